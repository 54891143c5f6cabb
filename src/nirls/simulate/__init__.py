"""A trial generator with known truth."""
