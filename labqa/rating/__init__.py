"""From indicators to proposed classes: rule sets as data, their lines, the literal veto; it decides nothing."""
