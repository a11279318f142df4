"""The parts of `validation.learned_score`.

Symbols, in all of them: y = log x; q_t the density of log X_t; s = 1 + h the log score of the data
and s_model = 1 + h_model that of a network, so that s_model - s = h_model - h; v(t) = sigma^2 t;
N the number of steps, t_k = k / N, and dv = sigma^2 / N; I(q) = E_q |s|^2 and Ent(q) the entropy.

What a wrong score costs (claim R20), exactly, for the sampler of N steps that is really run. The
Dale-Langevin chain draws log X_{k-1} from N(y + dv s_model(y, t_k), dv I), and y + dv s(y, t_k) is
the exact mean of log X_{k-1} given log X_k = y (claim R5). So the divergence between the two laws
of whole paths is a sum of three terms, and that of their ends is smaller:

    KL(p_0 || model) <= KL(p_1 || start) + dv / 2 sum_k E |h_model - h|^2 (t_k) + D_N
    D_N = Ent(q_1) - Ent(q_0) - dv / 2 sum_k I(q_{t_k})

The middle term is the integral of R20, and D_N, which no score enters, is what the Gaussian steps
cost: the error of a Riemann sum for de Bruijn's identity, claim R20b for log-normal data.
"""
