"""A trained run, as a user of its model sees it: samples, score, denoiser, likelihood."""

from dataclasses import fields
from pathlib import Path

import torch
from torch import Tensor, nn

from gbm_fast.checks import require_finite, require_positive, require_tensor, whole_number
from gbm_fast.data.positive import state_from_pixels
from gbm_fast.grids import power
from gbm_fast.likelihood import autograd_divergence, hutchinson_divergence, log_likelihood
from gbm_fast.parameterisation import score_function
from gbm_fast.process import Process, Time
from gbm_fast.process.times import float64
from gbm_fast.runtime.random import Stream, sign_events
from gbm_fast.runtime.state import callers_state_aside
from gbm_fast.sampling.labels import require_labels, score_of_all, score_of_classes
from gbm_fast.sampling.sampler import Sampler
from gbm_fast.scores import LogScore, denoiser
from gbm_fast.settings.sampling import SamplerName, SamplingSettings, StartName
from gbm_fast.settings.training import noise_range
from gbm_fast.shapes import expand_like
from gbm_fast.targets import LogNormal
from gbm_fast.training.build import build_process
from gbm_fast.training.runs import TrainedModel, load_trained

_EXACT = 16  # elements of an event up to which the divergence is exact: one backward pass each


class Run(TrainedModel):
    """A trained run, from `load_run`; the fields are those of `TrainedModel`.

    x is positive, (n, *event_shape); t a number in (0, horizon], or (n,), of the process of the
    training; labels int64 (n,), needed where the run is class-conditional and refused elsewhere.
    A run trained with label_dropout takes None as well: its score of all classes together.
    x may be of any floating dtype and on any device; results are in float32, or the dtype of the
    weights where that is wider, on the run's device. ValueError for anything else.

    Of a run on data in units of their own x is in these units, and so are score, denoiser and
    likelihood; t counts the noise of the state, whose logarithm has deviation 1, so that at v(t)
    the log-variance of x itself is s^2 v(t), s the deviation in `scale`.

    Of a run with additive noise x is what the noise is added to, the pixels in [1, 2] plus
    sqrt(v(t)) z: real numbers, whose score, denoiser and likelihood are those of x itself.
    """

    @property
    def _additive(self) -> bool:
        return self.config.noise == "additive"

    @property
    def process(self) -> Process:
        """The forward process of the training."""
        return build_process(self.config)

    def sampler(self, settings: SamplingSettings) -> Sampler:
        """The sampler of these settings; ValueError where the run cannot serve them."""
        return Sampler(self, settings)

    def sample(
        self,
        num_samples: int,
        seed: int = 0,
        sampler: SamplerName = "probability-flow",
        start: StartName = "lognormal",
        num_steps: int | None = None,
        label: int | str | None = None,
        batch_size: int = 256,
        show_progress: bool = False,
    ) -> Tensor:
        """Samples 0..num_samples-1 of a seed, float32 (n, *event_shape) on the CPU.

        They are those of `python -m gbm_fast.sample`, bit for bit: images in [1, 2], or data in
        units of their own. All further settings are in `SamplingSettings`, for `sampler`. Raises
        ValueError for settings that the run cannot serve.
        """
        settings = SamplingSettings(
            sampler=sampler,
            start=start,
            num_steps=num_steps,
            label=label,
            num_images=num_samples,
            seed=seed,
            batch_size=batch_size,
        )
        return self.sampler(settings)(show_progress=show_progress)

    def _score(self, labels: Tensor | None, count: int) -> LogScore:
        if self.config.noise == "gamma":
            raise ValueError("the run has learned to restore and no score: use restore_image.")
        if labels is None and not self.num_classes:
            return score_function(self.model, self.process)
        if labels is None and self.config.label_dropout:
            return score_of_all(self, self.process, count)
        if labels is None or not self.num_classes:
            raise ValueError(
                "the run is not class-conditional: leave labels out."
                if labels is not None
                else f"the run is class-conditional: pass labels (n,), 0..{self.num_classes - 1}."
            )
        require_labels(labels, count, self.num_classes)
        return score_of_classes(self, self.process, labels, 1.0)

    def _ready(self, x: Tensor) -> Tensor:
        """The state of `x` on the device and in the dtype of the weights."""
        require_tensor(x, "x")
        if x.ndim == 0 or tuple(x.shape[1:]) != self.event_shape:
            raise ValueError(f"x must have shape (n, *{self.event_shape}), got {tuple(x.shape)}.")
        (require_finite if self._additive else require_positive)(x, "x")
        wanted = torch.float32
        for weight in self.model.parameters():
            wanted = torch.promote_types(wanted, weight.dtype)
        state = x if self.scale is None else self.scale.states(x)
        return state.to(self.device, wanted)

    def _times(self, t: Time, count: int) -> Time:
        low, high = noise_range(self.config)
        times = float64(t)
        if times.ndim > 1 or times.ndim == 1 and len(times) != count:
            raise ValueError(f"t must be a number or ({count},), got {tuple(times.shape)}.")
        stds = self.process.log_var(times).sqrt()
        if not bool(((stds >= low * (1 - 1e-6)) & (stds <= high * (1 + 1e-6))).all()):
            raise ValueError(
                f"the network was trained for noise levels sqrt(v(t)) in [{low:g}, {high:g}], and "
                f"t asks for [{float(stds.min()):g}, {float(stds.max()):g}]."
            )
        return t

    @callers_state_aside()
    @torch.no_grad()
    def score(self, x: Tensor, t: Time, labels: Tensor | None = None) -> Tensor:
        """The learned Hyvarinen score h = x * grad log p_t(x), of the shape of x.

        Of additive noise grad log p_t(x), which is the log score 1 + h at exp(x).
        """
        ready, times = self._ready(x), self._times(t, len(x))
        score = self._score(labels, len(x))
        if self._additive:
            return score.at_log(ready, times)
        h = score(ready, times)
        if self.scale is None:
            return h
        _, std = self.scale.moments(h)
        return (1 + h) / std.to(h) - 1  # of log y = m + s log x

    @callers_state_aside()
    @torch.no_grad()
    def denoiser(self, x: Tensor, t: Time, labels: Tensor | None = None) -> Tensor:
        """E[log X_0 | X_t = x] by the learned score, of the shape of x (claim R5).

        Of additive noise E[X_0 | X_t = x] = x + v grad log p_t(x).
        """
        if self._additive:
            slope = self.score(x, t, labels)
            return self._ready(x) + expand_like(self.process.log_var(t).to(slope), slope) * slope
        ready = self._ready(x)
        h = self._score(labels, len(x))(ready, self._times(t, len(x)))
        found = denoiser(ready, h, self.process, t)
        if self.scale is None:
            return found
        mean, std = self.scale.moments(found)
        return mean.to(found) + std.to(found) * found

    @callers_state_aside()
    def log_likelihood(
        self,
        x: Tensor,
        labels: Tensor | None = None,
        num_steps: int = 64,
        num_probes: int = 4,
        seed: int = 0,
    ) -> Tensor:
        """log p(x) of the model in nats, (n,), by the probability flow (claims R16, R19).

        The density is that of the data at the least noise level of the training, of the flow that
        starts from the log-normal fit. `num_steps` steps of the classical Runge-Kutta method; its
        divergence is exact for events of up to 16 elements, and for larger ones an unbiased
        estimate from `num_probes` random signs, a function of the seed.

        Raises ValueError also for fewer than 2 steps or 1 probe.
        """
        ready = state_from_pixels(self._ready(x), self.config.noise)
        process = self.process
        num_steps = whole_number(num_steps, "num_steps", 2)
        num_probes = whole_number(num_probes, "num_probes", 1)
        score = self._score(labels, len(x))
        low, _ = noise_range(self.config)
        top = float(process.log_var(process.horizon)) ** 0.5
        grid = power(process, num_steps + 1, std_min=low, std_max=top)[:-1]
        if ready[0].numel() <= _EXACT:
            divergence = autograd_divergence(score)
        else:
            numbers, shape = range(len(x)), self.event_shape
            signs = sign_events(seed, Stream.PROBE, numbers, num_probes, shape)
            divergence = hutchinson_divergence(score, signs.transpose(0, 1).to(ready))
        found = log_likelihood(ready, process, score, divergence, self._terminal(ready), grid)
        # The density of log X is that of X times X.
        if self._additive or self.scale is not None:
            found = found + ready.log().flatten(1).sum(1)
        if self.scale is None:
            return found
        _, std = self.scale.moments(ready)
        slopes = (std * x.to(ready.device).double()).log().flatten(1).sum(1)
        return (found - slopes).to(ready)

    def _terminal(self, like: Tensor) -> LogNormal:
        """The law of the start `lognormal`, of all elements of an event."""
        fit = self.sampler(SamplingSettings(sampler="probability-flow")).fit
        assert fit is not None
        each = like[0].numel() // self.event_shape[0]
        mean, std = (part.repeat_interleave(each).to(like) for part in fit)
        return LogNormal(mean, std.square())


def load_run(folder: Path | str, device: str = "auto", network: nn.Module | None = None) -> Run:
    """The run in `folder`, its model in eval mode on `device` ("auto": a GPU where there is one).

    network   for a run that was trained with a network of yours: a module of the same
              architecture, of which a copy gets the weights. Nothing is unpickled.

    Raises ValueError where the folder holds no run, or a file of it is truncated or foreign.
    """
    with callers_state_aside():
        loaded = load_trained(Path(folder).expanduser(), device, network)
    return Run(*(getattr(loaded, field.name) for field in fields(loaded)))
