"""Programs with several outputs: nuclear norms over listed gates, atoms over all patterns."""
