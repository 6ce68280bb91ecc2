"""Global optima over all activation patterns of data whose rows span at most three dimensions."""
