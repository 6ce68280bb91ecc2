"""What lies below `results`: paths, finished runs, checked files, locks."""
