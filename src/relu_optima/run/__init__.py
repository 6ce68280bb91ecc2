"""Doing what a plan says: studies, jobs, collected sweeps, publications."""
