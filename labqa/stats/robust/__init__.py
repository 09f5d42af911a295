"""Robust centre, scale and consensus of one set of values or of many."""
