"""Scores of results and of differences, and what follows from them: roundings, verdicts, schemes."""
