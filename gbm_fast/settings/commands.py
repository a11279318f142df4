"""The options of the commands: frozen records, no torch."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gbm_fast.settings.choices import check_choices, check_numbers, expand_paths
from gbm_fast.settings.command_line import Command, Group
from gbm_fast.settings.pretrained import pretrained_folder
from gbm_fast.settings.sampling import FROM_IMAGES, SamplingSettings
from gbm_fast.settings.sampling_presets import PresetName
from gbm_fast.settings.training import TrainConfig

Output = Literal["png", "npz", "grid"]


_MOST_REPEATS = 10_000


@dataclass(frozen=True)
class TrainOptions:
    """The settings of a training, and the file that they may come from."""

    training: TrainConfig
    config: Path | None = None
    """JSON file of settings, such as the config.json of a run (default: none)."""

    def __post_init__(self) -> None:
        expand_paths(self)


@dataclass(frozen=True)
class Measurement:
    """What distances are measured with; ValueError for a setting out of range or not used."""

    features: Literal["classifier", "inception"] = "classifier"
    """classifier: trained on the data set, and kept in --features-dir; inception: clean-fid's,
    where the weights file is present."""
    features_dir: Path | None = None
    """Where the classifier is kept (default: `features` beside the run folder)."""
    inception_weights: Path | None = None
    """The Inception weights file or its folder (default: the folder for temporary files, which is
    clean-fid's choice)."""
    data_dir: Path | None = None
    """Folder of the data (default: that of the run)."""
    floor_repeats: int = 10
    """Sets of training images that the floor is averaged over."""

    def __post_init__(self) -> None:
        check_choices(self)
        expand_paths(self)
        check_numbers(self)
        if not 2 <= self.floor_repeats <= _MOST_REPEATS:
            raise ValueError(
                f"floor_repeats must be 2 or more, and at most {_MOST_REPEATS}, whose sets are in "
                f"memory together; got {self.floor_repeats}."
            )
        other = "features_dir" if self.features == "inception" else "inception_weights"
        if getattr(self, other) is not None:
            raise ValueError(f"{other} is no option of --features {self.features}: leave it out.")


_DEFAULT_SAMPLING = SamplingSettings(num_images=256)


def _require_all_classes(settings: SamplingSettings) -> None:
    """Raise ValueError for images of one class, which are not to be measured against all."""
    if settings.label is not None:
        raise ValueError(
            "distances are to the test images of all classes, and --label makes one of them: "
            "leave it out, and a class-conditional run makes all by their shares."
        )


def _require_own_size(settings: SamplingSettings) -> None:
    """Raise ValueError for images of another size than those that they are compared with."""
    if settings.image_size is not None:
        raise ValueError(
            "distances are to test images of the training's size: leave image_size out."
        )


@dataclass(frozen=True)
class EvaluateConfig:
    """Fréchet and kernel distances to the test images, beside what real images reach."""

    run: Path
    """Run folder of gbm_fast.train; the result goes into its metrics.json."""
    images: Path | None = None
    """Measure these instead of new samples: a folder of PNG, TIFF or BMP files, or an array
    (n, channels, height, width), .npy or `images` of a .npz, floats in [1, 2] or the data set's
    own integers; of a law draws (n, d), .npy or `samples` of a .npz."""
    device: str = "auto"
    """auto: a GPU where there is one, else the CPU; for sampling."""
    measurement: Measurement = Measurement()
    """What to measure with."""
    sampling: SamplingSettings = _DEFAULT_SAMPLING
    """How to sample; the seed is also that of the floor."""
    neighbours: bool = False
    """Look for copies in the pixels too, and draw the first images beside the training images
    nearest to them, by pixels and by features, as neighbours.png in the run folder."""

    def __post_init__(self) -> None:
        expand_paths(self)
        unseeded = replace(self.sampling, seed=_DEFAULT_SAMPLING.seed)
        if self.images is not None and unseeded != _DEFAULT_SAMPLING:
            raise ValueError(
                "--images are measured as they are, all of them: the options of the samplers, "
                "--num-images among them, do not apply."
            )
        _require_all_classes(self.sampling)
        _require_own_size(self.sampling)


@dataclass(frozen=True)
class GridSearch:
    """The settings that --grid-search compares: every combination of the lists."""

    chi: tuple[float, ...] = (0.99, 0.995, 1.0)
    """Annealing factors."""
    inner_steps: tuple[int, ...] = (1, 3)
    """L, steps at each level."""
    step_length: tuple[float | None, ...] = (2e-4, 1e-3)
    """delta_s; none of them above 1 / num_steps. None is the step to the next level, which is the
    only one for --process run (with --search.inner-steps 1)."""
    criterion: Literal["frechet", "kernel"] = "frechet"
    """Distance that decides."""

    def __post_init__(self) -> None:
        check_choices(self)
        check_numbers(self)
        for name in ("chi", "inner_steps", "step_length"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"search.{name} must be different values, got {values}.")

    def candidates(self, base: SamplingSettings) -> list[SamplingSettings]:
        """`base` with every combination; ValueError for a value out of range."""
        return [
            replace(base, chi=chi, inner_steps=inner, step_length=length)
            for length in self.step_length
            for inner in self.inner_steps
            for chi in self.chi
        ]


@dataclass(frozen=True)
class SampleConfig:
    """Make images with a trained run. Under torchrun the processes share the work.

    An interrupted command goes on where it stopped when it is given again.
    """

    run: Path | None = None
    """The run folder, where the model is not --pretrained (default: none)."""
    out: Path | None = None
    """Where to write (default: in the run folder, of --pretrained in samples/ and its name here,
    a folder with a name made of the settings)."""
    output: tuple[Output, ...] = ("png", "npz", "grid")
    """png: a file an image, in png/ (16-bit colour: TIFF); npz: images.npz, float32 in [1, 2], or
    samples.npz of a law; grid: grid.png, the first 256, or samples against the law's density."""
    film: int | None = None
    """Number of an image whose way from noise is drawn as film.png."""
    preset: PresetName | None = None
    """sigma, N, chi, L, delta_s and terminal steps for the data set, sampler and start. paper: of
    version 2's Tables 3 and 4, as the authors' public code states them; paper-v1: of version 1."""
    grid_search: bool = False
    """Compare the --search.* settings on the images 0..n-1 of the seed, then measure the best on
    the images n..2n-1 (n: --num-images); the journal is search.jsonl in --out."""
    search: GridSearch = GridSearch()
    """What --grid-search compares."""
    device: str = "auto"
    """auto: a GPU where there is one, else the CPU."""
    measurement: Measurement = Measurement()
    """What --grid-search measures with."""
    sampling: SamplingSettings = SamplingSettings()
    """How to sample."""
    pretrained: str | None = None
    """Name of trained weights that come with a clone, in its folder pretrained (default: none).
    Their --sampler is probability-flow, of 35 evaluations, unless it is given."""

    def __post_init__(self) -> None:
        check_choices(self)
        expand_paths(self)
        check_numbers(self)
        if self.run is not None and self.pretrained is not None:
            raise ValueError("--run and --pretrained are two models: pass one of them.")
        if not self.output and self.film is None:
            raise ValueError("nothing to write: choose --output png, npz or grid, or --film.")
        for name in ("num_images", "batch_size"):
            default = getattr(SampleConfig.sampling, name)
            if not self.output and getattr(self.sampling, name) != default:
                raise ValueError(f"{name} is no option of --film alone: leave it out.")
        if self.film is not None and not 0 <= self.film < 2**32:
            raise ValueError(f"film must be the number of an image, 0 or more, got {self.film}.")
        if not self.grid_search:
            reads = self.sampling.start in FROM_IMAGES
            where = self.measurement.data_dir if reads else None
            if self.search != GridSearch() or self.measurement != Measurement(data_dir=where):
                raise ValueError(
                    "--search.* and the options of measuring need --grid-search (--data-dir also "
                    "goes with --start data and lognormal-full)."
                )
            return
        if self.pretrained is not None:
            raise ValueError("--grid-search writes into the run folder: pass one with --run.")
        if self.preset is not None or self.film is not None:
            raise ValueError("--grid-search makes no film and takes no preset.")
        if self.output != SampleConfig.output:
            raise ValueError("--grid-search writes its journal alone: leave --output out.")
        _require_all_classes(self.sampling)
        _require_own_size(self.sampling)
        self._require_free_lists()

    def _require_free_lists(self) -> None:
        """Raise ValueError for what --search.* is to say."""
        fixed = self.sampling.chi < 1 or self.sampling.inner_steps > 1
        if fixed or self.sampling.step_length is not None:
            raise ValueError(
                "--grid-search takes chi, inner_steps and step_length from --search.*: leave the "
                "options of these names out."
            )

    @property
    def folder(self) -> Path:
        """The run folder; ValueError where none is named, or pretrained weights are not there."""
        if self.pretrained is not None:
            return pretrained_folder(self.pretrained)
        if self.run is None:
            raise ValueError("no model is named: pass --run RUN, or --pretrained NAME.")
        return self.run

    @property
    def samples(self) -> Path:
        """Where the samples go: --out, or a folder with a name made of the settings."""
        place = Path() if self.pretrained is not None else self.folder
        name = Path("samples") / (self.pretrained or "") / self.sampling.slug
        return self.out or place / name


def _of(record: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{record}.{name}" for name in names)


_SAMPLER = (
    Group("sampler", _of("sampling",
        "sampler", "start", "num_images", "seed", "label", "guidance", "num_steps", "batch_size",
    )),
    Group("finer_settings_of_the_sampler", _of("sampling",
        "process", "sigma", "inner_steps", "chi", "kappa", "churn", "step_length", "denoise_steps",
    )),
)  # fmt: skip
_MEASUREMENT = Group("measuring", _of("measurement",
    "features", "features_dir", "inception_weights", "data_dir", "floor_repeats",
))  # fmt: skip
_MEMORY = "pass a smaller --batch-size, or fewer --num-images"
SAMPLE = Command(
    "gbm_fast.sample",
    "Make samples with a trained run, or search for the settings of its sampler.",
    (
        Group("run_and_output", (
            "run", "pretrained", "out", "output", "film", "preset", "device",
        )),
        *_SAMPLER,
        Group("size", _of("sampling", "image_size")),
        Group("search", ("grid_search",)),
        Group("lists_of_the_search", _of("search",
            "chi", "inner_steps", "step_length", "criterion",
        ), prefixed=True),
        _MEASUREMENT,
    ),
    (
        "python -m gbm_fast.sample --pretrained digits",
        "python -m gbm_fast.sample --run RUN --sampler probability-flow --num-images 64",
        "torchrun --nproc-per-node 2 -m gbm_fast.sample -- --run RUN --num-images 50000",
    ),
    "Under torchrun the processes share the work. An interrupted command goes on when it is given "
    "again.",
    _MEMORY,
)  # fmt: skip
EVALUATE = Command(
    "gbm_fast.evaluate",
    "Measure the samples of a trained run, or files from elsewhere, against its data.",
    (Group("run", ("run", "images", "device", "neighbours")), _MEASUREMENT, *_SAMPLER),
    (
        "python -m gbm_fast.evaluate --run RUN --sampler probability-flow --num-images 1000",
        "python -m gbm_fast.evaluate --run RUN --images FOLDER_OF_PNG",
    ),
    "Of images: Fréchet and kernel distances to the test images, beside what real images reach; "
    "of a run on a law: distances to the law itself, and the errors of the score.",
    _MEMORY,
)
