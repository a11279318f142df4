"""What `validation.overhead` measures: trainer and samplers against their bare networks."""
