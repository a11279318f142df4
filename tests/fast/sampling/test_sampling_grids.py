"""Settings to grids, row by row; what cannot be served is refused."""

import pytest

import gbm_fast as gbm
from gbm_fast.commands.training import standard_samplers
from gbm_fast.sampling.sampler import build_grid, build_step
from gbm_fast.training.runs import TrainedModel as Run
from tests.support.stub_runs import paper, stub_run

EXPLODING = gbm.VarianceExploding(std_min=0.005, std_max=10.0)
RUN = stub_run()
CONSTANT = gbm.GBM(sigma=0.7)


@pytest.mark.parametrize(
    ("sampler", "kind"),
    [
        ("dale-langevin", gbm.DaleLangevin),
        ("sign-agnostic", gbm.SignAgnostic),
        ("milstein", gbm.AmbientMilstein),
        ("ancestral", gbm.Ancestral),
        ("marginal-preserving", gbm.MarginalPreserving),
        ("probability-flow", gbm.ProbabilityFlow),
        ("ddim", gbm.DDIM),
    ],
)
def test_a_name_becomes_its_step(sampler: str, kind: type) -> None:
    assert type(build_step(paper(sampler=sampler))) is kind


def test_kappa_reaches_its_step() -> None:
    step = build_step(gbm.SamplingSettings(sampler="marginal-preserving", kappa=0.3))
    assert step == gbm.MarginalPreserving(kappa=0.3)


@pytest.mark.parametrize(
    "sampler", ["dale-langevin", "sign-agnostic", "milstein", "ancestral", "marginal-preserving"]
)
def test_the_constant_process_has_the_grid_of_algorithms_1_and_2(sampler: str) -> None:
    """Every setting in its place: another order of arguments gives other rows."""
    settings = paper(sampler=sampler, inner_steps=3, chi=0.93, step_length=0.03, denoise_steps=2)
    found = build_grid(RUN, settings, CONSTANT)
    assert found == gbm.annealed(
        num_steps=20, horizon=1.0, step_length=0.03, inner_steps=3, chi=0.93, denoise_steps=2
    )
    assert found[0] == (1.0, 0.03, 1.0)
    assert found[3] == (0.95, 0.03, 0.93)
    assert found[-3:] == ((0.05, 0.03, 0.93**19), (0.05, 0.03, 0.0), (0.05, 0.03, 0.0))
    assert len(found) == 62
    default = build_grid(RUN, paper(sampler=sampler), CONSTANT)
    assert [row.dt for row in default] == [1 / 20] * 20


@pytest.mark.parametrize("sampler", ["dale-langevin", "ancestral", "marginal-preserving"])
def test_the_exploding_process_has_geometric_levels(sampler: str) -> None:
    found = build_grid(RUN, gbm.SamplingSettings(sampler=sampler, num_steps=9, chi=0.8), EXPLODING)
    plain = gbm.geometric(EXPLODING, 9, 0.005, 10.0)
    assert [row[:2] for row in found] == [row[:2] for row in plain]
    assert [row.noise for row in found] == [0.8**i for i in range(9)]
    assert len(build_grid(RUN, gbm.SamplingSettings(), EXPLODING)) == 1000


@pytest.mark.parametrize(("sampler", "levels"), [("probability-flow", 18), ("ddim", 50)])
def test_without_noise_the_levels_are_edms_on_both_processes(sampler: str, levels: int) -> None:
    assert build_grid(RUN, gbm.SamplingSettings(sampler=sampler), EXPLODING) == gbm.power(
        EXPLODING, levels, std_min=0.005, std_max=10.0
    )
    constant = build_grid(RUN, paper(sampler=sampler), CONSTANT)
    assert constant == gbm.power(CONSTANT, 20, std_min=0.005, std_max=0.7)


def test_a_run_on_the_constant_process_samples_down_to_its_smallest_level() -> None:
    run = stub_run(process="constant", sigma=0.7, num_steps=40)
    process = gbm.GBM(sigma=0.7)
    flow = build_grid(run, gbm.SamplingSettings(sampler="probability-flow", num_steps=6), process)
    assert flow == gbm.power(process, 6, std_min=0.7 / 40**0.5, std_max=0.7)
    assert len(build_grid(run, paper(num_steps=40), process)) == 40


@pytest.mark.parametrize(
    ("overrides", "settings"),
    [
        ({"std_max": 0.6}, paper()),
        ({"std_min": 0.2}, paper()),
        ({"process": "constant", "sigma": 0.7, "num_steps": 19}, paper()),
        ({"process": "constant", "sigma": 0.69, "num_steps": 20}, paper()),
        ({"std_max": 0.6}, paper(sampler="probability-flow")),
    ],
)
def test_a_level_outside_the_trained_range_is_refused(
    overrides: dict[str, object], settings: gbm.SamplingSettings
) -> None:
    run = stub_run(**overrides)
    with pytest.raises(ValueError, match="was trained for noise levels"):
        build_grid(run, settings, CONSTANT)
    with pytest.raises(ValueError, match="was trained for noise levels"):
        gbm.Sampler(run, settings)(show_progress=False)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (gbm.SamplingSettings(sampler="sign-agnostic"), "use --process constant"),
        (gbm.SamplingSettings(sampler="milstein"), "use --process constant"),
        (gbm.SamplingSettings(step_length=0.01), "belong to --process constant"),
        (gbm.SamplingSettings(denoise_steps=1), "belong to --process constant"),
        (gbm.SamplingSettings(inner_steps=2), "inner_steps"),
        (paper(step_length=0.06), "step_length must be in"),
    ],
)
def test_settings_without_a_meaning_are_refused(
    settings: gbm.SamplingSettings, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        gbm.Sampler(RUN, settings)(show_progress=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_images", 0),
        ("batch_size", 0),
        ("inner_steps", 0),
        ("num_steps", 1),
        ("seed", -1),
        ("seed", 2**32),
        ("denoise_steps", -1),
        ("sigma", 0.0),
        ("sigma", float("nan")),
        ("chi", 0.0),
        ("chi", 1.1),
        ("kappa", -0.1),
        ("kappa", float("inf")),
    ],
)
def test_a_setting_out_of_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        paper(**{name: value})


@pytest.mark.parametrize("sampler", ["probability-flow", "ddim"])
@pytest.mark.parametrize(
    "option", [{"chi": 0.9}, {"inner_steps": 2}, {"denoise_steps": 1}, {"step_length": 0.01}]
)
def test_a_sampler_without_noise_refuses_what_it_cannot_use(
    sampler: str, option: dict[str, float]
) -> None:
    with pytest.raises(ValueError, match="do not apply"):
        paper(sampler=sampler, **option)


def test_kappa_of_another_sampler_is_refused() -> None:
    with pytest.raises(ValueError, match="kappa belongs to --sampler marginal-preserving"):
        gbm.SamplingSettings(sampler="ancestral", kappa=0.5)


def shown(run: Run) -> list[tuple[str, str, str]]:
    settings = [sampler.settings for sampler in standard_samplers(run, 16, seed=2)]
    assert {(s.num_images, s.seed) for s in settings} == {(16, 2)}
    return [(s.sampler, s.process, s.start) for s in settings]


def test_what_a_training_shows_at_its_end() -> None:
    """From noise, then the paper's two samplers; these are left out where v is out of range."""
    noise = [("probability-flow", "run", "lognormal"), ("dale-langevin", "run", "lognormal")]
    papers = ["dale-langevin", "sign-agnostic"]
    assert shown(stub_run()) == noise + [(p, "constant", "class-average") for p in papers]
    assert shown(stub_run(std_max=0.5)) == noise
    flow = ("probability-flow", "run", "class-average")
    assert shown(stub_run(process="constant")) == [
        flow,
        *((p, "run", "class-average") for p in papers),
    ]
