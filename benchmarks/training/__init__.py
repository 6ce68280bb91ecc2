"""Time stacked training beside a plain per-run PyTorch loop; `python -m benchmarks.training`."""
