"""The pages: one module a page, each a function from a reading of a run to components."""
