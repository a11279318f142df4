"""Coefficients that are constant on [0, 1), [1, 2) and [2, 3], the chain of Appendix C."""

from spec.vectors.arithmetic import Arithmetic, Number
from spec.vectors.points import across, between, cases, ordinary
from spec.vectors.records import Case, Flag, Formula, Twin, VectorFunction

_SIGMAS = {f"s{i}": f"sigma on [{i - 1}, {i}), > 0" for i in (1, 2, 3)}
_MUS = {f"mu{i}": f"mu on [{i - 1}, {i}), any number" for i in (1, 2, 3)}
_TIME = {"t": "time in [0, 3]"}
_STEP = {"dt": "length of the step, > 0 and at most t"}


def _length(t: Number, i: int) -> Number:
    """How much of [i, i + 1) lies below t."""
    return max(0, min(t - i, 1))


def _var(f: Arithmetic, s1: Number, s2: Number, s3: Number, t: Number) -> Number:
    return sum(s * s * _length(t, i) for i, s in enumerate((s1, s2, s3)))


def _mean(
    f: Arithmetic, mu1: Number, mu2: Number, mu3: Number, s1: Number, s2: Number, s3: Number,
    t: Number,
) -> Number:  # fmt: skip
    return sum(
        (mu - s * s / 2) * _length(t, i)
        for i, (mu, s) in enumerate(((mu1, s1), (mu2, s2), (mu3, s3)))
    )


def _sizes(
    f: Arithmetic, mu1: Number, mu2: Number, mu3: Number, s1: Number, s2: Number, s3: Number,
    t: Number,
) -> Number:  # fmt: skip
    return sum(
        (abs(mu) + s * s / 2) * _length(t, i)
        for i, (mu, s) in enumerate(((mu1, s1), (mu2, s2), (mu3, s3)))
    )


def _up_to(total: Formula) -> Formula:
    """The same by the last interval: what the whole ones hold, and a share of that one."""

    def formula(f: Arithmetic, *args: Number) -> Number:
        *rates, t = args
        whole = min(int(t), 2)
        ends = [total(f, *rates, t - t + k) for k in (whole, whole + 1)]
        return ends[0] + (t - whole) * (ends[1] - ends[0])

    return formula


def _increment(total: Formula) -> Formula:
    def formula(f: Arithmetic, *args: Number) -> Number:
        *rates, t, dt = args
        return total(f, *rates, t) - total(f, *rates, t - dt)

    return formula


def _increment_size(total: Formula) -> Formula:
    """With the rounding of t - dt, times the largest rate."""

    def formula(f: Arithmetic, *args: Number) -> Number:
        *rates, t, dt = args
        ends = [total(f, *rates, t - t + k) for k in range(4)]
        largest = max(ends[1], ends[2] - ends[1], ends[3] - ends[2])
        return total(f, *rates, t) - total(f, *rates, t - dt) + t * largest

    return formula


def _twins(total: Formula, formula: Formula, times: int) -> tuple[Twin, ...]:
    """Mistakes that all four share; `times` counts t and dt among the arguments."""

    def with_rates(change: Formula) -> Formula:
        def changed(f: Arithmetic, *args: Number) -> Number:
            rates, at = list(args[:-times]), args[-times:]
            rates[-3:] = change(f, *rates[-3:])
            return formula(f, *rates, *at)

        return changed

    def late(f: Arithmetic, *args: Number) -> Number:
        rates, at = args[:-times], args[-times:]
        groups = [rates[i : i + 3] for i in range(0, len(rates), 3)]
        return formula(f, *(r for g in groups for r in (g[1], g[2], g[2])), *at)

    return (
        Twin("sigma_for_variance", Flag.S_VS_S2, "sigma in place of sigma^2",
             with_rates(lambda f, *s: tuple(f.sqrt(each) for each in s))),
        Twin("interval_above", Flag.T_INDEX, "the coefficients of the next interval", late),
        Twin("first_interval", Flag.TAIL, "the first sigma throughout",
             with_rates(lambda f, s1, s2, s3: (s1, s1, s1))),
        Twin("average_rate", Flag.BASIC, "the mean of sigma^2 throughout",
             with_rates(lambda f, s1, s2, s3:
                        (f.sqrt((s1 * s1 + s2 * s2 + s3 * s3) / 3),) * 3)),
    )  # fmt: skip


_ITO = Twin(
    "ito_term",
    Flag.ITO,
    "mu, without sigma^2 / 2",
    lambda f, *args: _mean(f, *args[:3], 0, 0, 0, args[-1]),
)
_ITO_STEP = Twin(
    "ito_term",
    Flag.ITO,
    "mu, without sigma^2 / 2",
    lambda f, *args: _increment(_mean)(f, *args[:3], 0, 0, 0, *args[-2:]),
)
_S_BOX = {name: across(0.1, 2) for name in _SIGMAS}
_MU_BOX = {name: between(-1, 1) for name in _MUS}
_TIMES = (0.3, 1.0, 1.75, 2.125, 3.0, 2.6, 0.875, 2.0, 1.3)
_LENGTHS = (0.3, 0.5, 1.5, 2.0, 0.7, 2.6, 1.75, 1.25, 0.01)


def _timed(given: tuple[Case, ...], stepping: bool) -> tuple[Case, ...]:
    """The cases at times in turn, the ends of the intervals among them."""
    made = []
    for i, case in enumerate(given):
        t, dt = _TIMES[i % 9], _LENGTHS[(i + i // 9) % 9]
        step = {"dt": min(dt, t)} if stepping else {}
        made.append(Case(case.flag, {**case.args, "t": t, **step}))
    return tuple(made)


def _cases(drift: bool, stepping: bool) -> tuple[Case, ...]:
    kinds = (Flag.S_VS_S2, Flag.T_INDEX, *((Flag.ITO,) if drift else ()))
    box = {**(_MU_BOX if drift else {}), **_S_BOX}
    drawn = _timed(ordinary(box, kinds, basic=15 if drift else 18), stepping)
    mus = [(300.0, -2.0, 1e-3), (0.3, 0.1, -0.2)]
    rows = [
        (*mu, *s, t, *((dt,) if stepping else ()))
        for mu, s, t, dt in zip(
            (mus * 2 if drift else [()] * 4),
            ((1e3, 1e-6, 0.3), (1e-6, 1e3, 2.0), (1e-6, 2e-6, 4e-6), (20.0, 0.4, 1e-3)),
            (2.5, 1.0009765625, 3.0, 2.75),
            (2.25, 0.25, 3.0, 2.5),
            strict=True,
        )
    ]
    names = " ".join((*box, "t", *(("dt",) if stepping else ())))
    return (*drawn, *cases(Flag.TAIL, names, rows))  # fmt: skip


_TEXT = "L_i the length of [i - 1, i) below t"
LOG_VAR = VectorFunction(
    name="piecewise_log_var",
    claim="A35",
    text=f"s1^2 L_1 + s2^2 L_2 + s3^2 L_3, {_TEXT}",
    meanings={**_SIGMAS, **_TIME},
    formula=_var,
    second=_up_to(_var),
    scale_text="out: a relative bound",
    scale=_var,
    twins=_twins(_var, _var, 1),
    cases=_cases(False, False),
)
LOG_MEAN = VectorFunction(
    name="piecewise_log_mean",
    claim="A34",
    text=f"sum_i (mu_i - s_i^2 / 2) L_i, {_TEXT}",
    meanings={**_MUS, **_SIGMAS, **_TIME},
    formula=_mean,
    second=_up_to(_mean),
    scale_text="sum_i (|mu_i| + s_i^2 / 2) L_i",
    scale=_sizes,
    twins=(*_twins(_mean, _mean, 1), _ITO),
    cases=_cases(True, False),
)
_ROUNDED = "with L_i the length of [i - 1, i) between t - dt and t"
VAR_INCREMENT = VectorFunction(
    name="piecewise_log_var_increment",
    claim="A35",
    text=f"s1^2 L_1 + s2^2 L_2 + s3^2 L_3, {_ROUNDED}",
    meanings={**_SIGMAS, **_TIME, **_STEP},
    formula=_increment(_var),
    second=_increment(_up_to(_var)),
    scale_text="out + t max_i s_i^2, for the rounding of t - dt",
    scale=_increment_size(_var),
    twins=_twins(_var, _increment(_var), 2),
    cases=_cases(False, True),
)
MEAN_INCREMENT = VectorFunction(
    name="piecewise_log_mean_increment",
    claim="A34",
    text=f"sum_i (mu_i - s_i^2 / 2) L_i, {_ROUNDED}",
    meanings={**_MUS, **_SIGMAS, **_TIME, **_STEP},
    formula=_increment(_mean),
    second=_increment(_up_to(_mean)),
    scale_text="sum_i (|mu_i| + s_i^2 / 2) L_i + t max_i (|mu_i| + s_i^2 / 2), for the rounding "
    "of t - dt",
    scale=_increment_size(_sizes),
    twins=(*_twins(_mean, _increment(_mean), 2), _ITO_STEP),
    cases=_cases(True, True),
)

FUNCTIONS = (LOG_MEAN, LOG_VAR, MEAN_INCREMENT, VAR_INCREMENT)
