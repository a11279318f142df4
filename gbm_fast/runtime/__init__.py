"""What the machine gives: files, processes, devices and random numbers."""
