"""Networks whose neurons read given inputs only: certified optima over all of them."""
