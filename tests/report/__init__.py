"""The page, the paper and the index of what was computed."""
