"""Biases and precisions of laboratories that are joined by samples they share."""
