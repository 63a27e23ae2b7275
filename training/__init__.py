"""How it is made: splits by time, trials, reports, and the model registry."""
