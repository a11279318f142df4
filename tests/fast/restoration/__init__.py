"""Restoring images with speckle."""
