"""The parts of `validation.kl_vs_stepsize`: problem, samplers, points, gate, measure, figure."""
