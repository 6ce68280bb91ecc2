"""Published numbers beside ours, with a verdict for each."""
