"""Data of the user's own: folders of images, arrays, and tables of vectors."""
