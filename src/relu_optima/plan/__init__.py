"""From study files to the plan: sweeps, runs, batches, and the code that decides them."""
