"""Simulation cards: what a simulated network is made of, as TOML files fixed before a run."""
