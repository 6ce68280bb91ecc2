"""Strict models, one module for each config group."""
