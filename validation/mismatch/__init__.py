"""The study of the samplers' starts: moments of the images, prices of the starts, gate, figure."""
