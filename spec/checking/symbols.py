"""Symbols that mean the same in every claim.

x, x0      state at time t and data, positive             L, L0   their logarithms
mu, sigma  drift and diffusion rates                      s2      sigma^2
t, s       times, s < t                                   dt      step length
m, v       integrals m(t), v(t): log X_t | X_0 ~ N(log X_0 + m, v)
a, v0      mean and variance of log X_0, for log-normal data
M, V       mean and variance of log X_t
h          Hyvarinen score x * grad log p;  H its symbol where h is a step's sigma^2 delta
z          a standard normal draw                         kappa   factor on the noise"""

from sympy import Symbol, symbols

x, x0, sigma, s2, t, s, dt, v, v0, V = symbols("x x0 sigma s2 t s dt v v0 V", positive=True)
L, L0, mu, m, a, M, h, H, z = symbols("L L0 mu m a M h H z", real=True)
kappa = Symbol("kappa", nonnegative=True)
