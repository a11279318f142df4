"""The parts of the study of guidance."""
