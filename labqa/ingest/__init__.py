"""Delivered files become facts and refusals: profiles, readers, typing, units, registers, and the template people fill in."""
