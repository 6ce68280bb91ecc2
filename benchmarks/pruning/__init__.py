"""Exact pruning timed beside a straightforward implementation of the published procedure."""
