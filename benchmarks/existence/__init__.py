"""Deciding existence: our rules beside the published statement in z3, and cost against size."""
