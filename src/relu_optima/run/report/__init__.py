"""What people read of a study: the page with its findings, the paper, the index of all studies."""
