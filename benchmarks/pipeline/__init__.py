"""What the pipeline itself costs: overhead of a run, growth of planning and collecting."""
