"""The convex solver beside its peers: equal problems, patterns and certified gaps."""
