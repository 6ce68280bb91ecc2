"""The names people type in a notebook: solve, path, train, load, and what a solution answers."""
