"""The claim record and the means by which a claim is decided."""
