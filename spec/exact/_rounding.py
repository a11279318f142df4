"""The recursions of this folder for pins, with their condition scales.

A recursion e <- g e - dm, V <- g^2 V + n is computed in double precision with a rounding error
that each later step multiplies by g or g^2. The scale S is that running bound, with every local
error written as the size of the numbers that a step adds:

    S_mean <- |g| S_mean + |mean| + |1 - g| |mean - c| + |dm|
    S_cov  <- g^2 S_cov  + 2 |g| |V| + |V'|          V' the variance after the step

2 |g| |V| is there because g = 1 - dv / v_k is known to an absolute error, not a relative one. In
the plane g is the largest eigenvalue of the factor and |.| a Frobenius norm. The largest error at
the points of the pins was 0.9 * 2^-53 * S when this was written; k = 8 leaves room.
"""

from collections.abc import Iterable, Mapping

from mpmath import mpf

Values = Mapping[str, mpf]
# c, g, n, dm: centre, factor, noise and fall of the mean of a step.
Row = tuple[mpf, mpf, mpf, mpf]


def on_the_line(at: Values, rows: Iterable[Row]) -> tuple[mpf, mpf, mpf, mpf]:
    """Mean and variance of log X_0 from N(M, V), and their scales."""
    mean, variance = at["M"], at["V"]
    size, spread = abs(mean), variance
    for centre, g, noise, fall in rows:
        off = mean - centre
        size = abs(g) * size + abs(mean) + abs((1 - g) * off) + abs(fall)
        after = g**2 * variance + noise
        spread = g**2 * spread + 2 * abs(g) * variance + after
        mean, variance = mean + (g - 1) * off - fall, after
    return mean, variance, size, spread
