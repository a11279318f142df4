"""The scenarios, by what they draw."""
