"""Patterns in results that chance or honest work would hardly make."""
