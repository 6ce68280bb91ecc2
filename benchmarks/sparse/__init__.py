"""Sparse programs beside an interior-point method on all their cones."""
