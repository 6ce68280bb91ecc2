"""Global optima of low-rank data beside interior points and beside listing all patterns."""
