"""How near a sampler comes to log-normal data with few scores: exactly, without random numbers.

    python examples/few_scores.py

The score is exact, so that what is printed, the divergence of the law that is drawn from that of
the data (nats), is the error of the steps from the exact start, and then that of the steps and of
a start whose variance is half too large. Heun's rule reads two scores a row, the others one.
"""

import gbm_ref as ref

data = ref.LogNormal([0.2], 0.05)
process = ref.VarianceExploding(std_min=0.005, std_max=10.0)
samplers = {
    "DDIM": (ref.DDIM(), 1),
    "Heun's rule": (ref.ProbabilityFlow(), 2),
    "DPM-Solver++(2M)": (ref.DPMSolver(2), 1),
    "DPM-Solver++(3M)": (ref.DPMSolver(3), 1),
    "DDIM, churn 0.05": (ref.Churn(ref.DDIM(), 0.05), 1),
    "Heun, churn 0.2": (ref.Churn(ref.ProbabilityFlow(), 0.2), 2),
    "ancestral": (ref.Ancestral(), 1),
}
wanted = ref.Gaussian(data.log_mean, data.log_cov)
budgets, starts = (10, 20, 40), (1.0, 1.5)
print(f"{'start':18}{'exact':>30}{'variance half too large':>30}")
print(f"{'scores':18}" + "".join(f"{scores:>10}" for scores in budgets) * 2)
for name, (step, scores_a_row) in samplers.items():
    found = []
    for factor in starts:
        for scores in budgets:
            grid = ref.power(process, scores // scores_a_row, std_min=0.006, std_max=9.99)
            spread = factor * (data.log_cov + process.log_var(grid[0].t_score))
            start = ref.Gaussian(data.log_mean, spread)
            law = ref.exact_law(step, data, process, grid, start)
            found.append(ref.kl_divergence(law, wanted))
    print(f"{name:18}" + "".join(f"{divergence:10.2g}" for divergence in found))
