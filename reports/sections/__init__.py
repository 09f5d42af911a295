"""Sections of the annual evaluation, one file each: what is said, in which order, on which evidence."""
