"""National networks with known truth, drawn from a card and a seed: for the demo, calibration and stress tests."""
