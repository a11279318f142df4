"""The sampling loops of diffusers and k-diffusion round a network of ours (extra `peers`).

Both take the network as EDM does, which is our preconditioning in log space: input divided by
sqrt(sigma^2 + s^2), condition log(sigma) / 2, output recombined with the input. The network is
called as often, on batches of the same shape, as by our own loop with the same number of rows.
"""

from torch import Tensor, nn

from validation.cost.timing import Action

STD_MIN, STD_MAX, DATA_STD = 0.005, 10.0, 0.34


class _Conditioned(nn.Module):
    """The network as a function of sigma: k-diffusion passes that, diffusers log(sigma) / 4."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, sigma: Tensor) -> Tensor:
        return self.network(x, sigma.log() / 2).float()


def k_diffusion_loops(network: nn.Module, start: Tensor, rows: int) -> dict[str, Action]:
    """Euler without and with noise; ImportError where k-diffusion is not installed."""
    import k_diffusion.sampling as sampling
    from k_diffusion.layers import Denoiser

    model = Denoiser(_Conditioned(network), sigma_data=DATA_STD)
    sigmas = sampling.get_sigmas_karras(rows, STD_MIN, STD_MAX)
    return {
        "k-diffusion, no noise": lambda: sampling.sample_euler(model, start, sigmas, disable=True),
        "k-diffusion, noise": lambda: sampling.sample_euler_ancestral(
            model, start, sigmas, disable=True
        ),
    }


def diffusers_loops(network: nn.Module, start: Tensor, rows: int) -> dict[str, Action]:
    """Euler without noise and ancestral; ImportError where diffusers is not installed."""
    from diffusers import EDMEulerScheduler, EulerAncestralDiscreteScheduler

    quiet = EDMEulerScheduler(sigma_min=STD_MIN, sigma_max=STD_MAX, sigma_data=DATA_STD)
    noisy = EulerAncestralDiscreteScheduler()

    def loop(scheduler: EDMEulerScheduler | EulerAncestralDiscreteScheduler) -> None:
        scheduler.set_timesteps(rows)
        x = start
        for t in scheduler.timesteps:
            output = network(scheduler.scale_model_input(x, t), t.float().expand(len(x)))
            x = scheduler.step(output.float(), t, x).prev_sample

    return {
        "diffusers, no noise": lambda: loop(quiet),
        "diffusers, noise": lambda: loop(noisy),
    }
