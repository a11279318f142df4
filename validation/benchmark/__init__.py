"""The parts of `validation.image_benchmark`: rows, kept images, costs, predictions, pages."""
