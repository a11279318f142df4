"""What the law of the sign-agnostic sampler is computed with: carried laws, panels, rows."""
