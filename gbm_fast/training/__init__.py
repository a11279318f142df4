"""Training: batches, times, the step that learns, checkpoints, the loop, run folders."""
