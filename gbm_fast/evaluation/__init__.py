"""How good samples are: features, distances, known laws, the search of settings."""
