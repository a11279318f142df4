"""What `validation.speed` measures: one reverse equation, integrated by several programs."""
