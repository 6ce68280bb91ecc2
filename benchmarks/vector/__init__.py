"""Certified vector-output optima beside the published methods and training."""
