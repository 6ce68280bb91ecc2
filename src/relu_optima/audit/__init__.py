"""Whether results are sound, where each comes from, whether it is current."""
