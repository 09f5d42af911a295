"""The one door: plain functions, Platform first, a Viewer on every query."""
