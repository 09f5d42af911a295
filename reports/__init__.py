"""The annual evaluation as HTML and PDF, zh and en, from one data context."""
