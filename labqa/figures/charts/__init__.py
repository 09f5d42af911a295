"""The charts: frames in, Spec out; each file answers one question."""
