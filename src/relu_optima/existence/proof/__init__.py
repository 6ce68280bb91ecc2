"""The checker of existence certificates: it imports nothing of the search that finds them."""
