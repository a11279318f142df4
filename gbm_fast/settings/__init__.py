"""What a user may choose, as frozen records; nothing here imports torch."""
