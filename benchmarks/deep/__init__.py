"""Closed forms of deep networks beside training by torch."""
