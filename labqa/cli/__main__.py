"""`python -m labqa.cli`."""

from labqa.cli import main

if __name__ == "__main__":
    main()
