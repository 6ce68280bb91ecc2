"""Solved instances, asked of the public interface: ``python -m tests.instances FILE...``."""
