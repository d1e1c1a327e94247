"""How fast training is, and against what: the usual loop over frames, and the paired timing of training steps."""

import copy
import statistics
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from tqdm import tqdm

from videogen.distributions import Gaussian, stack


class FrameLoop(nn.Module):
    """A `VideoVaePaper` trained as public code trains it: encode, infer, step and decode one frame after another.

    Takes `model` over: the very same parameters, in torch's own layers. In evaluation mode the values are the same, in
    training the statistics of batch norm are those of one time step.
    """

    def __init__(self, model: Any):  # a VideoVaePaper: packages meet only in YAML
        super().__init__()
        self.model, self.z = model, model.z
        self.attributes, self.infer_attributes = model.attributes, model.infer_attributes
        model.chunk = None
        for layer in model.dec_conv:
            if isinstance(layer, nn.ConvTranspose2d):
                layer.__class__ = nn.ConvTranspose2d  # none of our ways to be faster

    def forward(
        self, x: Float[Tensor, "b t c h w"], a: Float[Tensor, "b k"], eps: Float[Tensor, "b t z"]
    ) -> SimpleNamespace:
        model = self.model
        a, state = model._seen(a), model._start(a)
        frames, posteriors, priors, features = [], [], [], []
        for t in range(x.shape[1]):
            features.append(model.enc(x[:, t]))
            said = Gaussian.from_parameters(model.f_q(features[-1]).float())
            past = model.phi(state[0])
            posteriors.append(model._posterior(said, a, past))
            priors.append(model._prior(past, a))
            z = posteriors[-1].sample(eps[:, t])
            state = model._step(z, said, state)
            frames.append(model.dec(z))
        x_hat, said_of_all = torch.stack(frames, dim=1), torch.stack(features, dim=1)
        return SimpleNamespace(x_hat=x_hat, posterior=stack(posteriors, 1), prior=stack(priors, 1), features=said_of_all)


@torch.no_grad()
def check_same_values(model: Any, x: Float[Tensor, "b t c h w"], a: Float[Tensor, "b k"]) -> None:
    """Raises AssertionError where the loop computes something else than the model, batch norm and dropout at rest."""
    eps = torch.randn((x.shape[0], x.shape[1], model.z), generator=torch.Generator().manual_seed(0)).to(x.device)
    model = copy.deepcopy(model).eval()
    ours = model(x, a, eps)
    loop = FrameLoop(model)(x, a, eps)
    torch.testing.assert_close(loop.x_hat, ours.x_hat, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(loop.posterior.kl(loop.prior), ours.posterior.kl(ours.prior), rtol=1e-3, atol=1e-4)


def seconds_each(
    steps: dict[str, Callable[[], object]], rounds: int, device: torch.device, warmup: int = 2
) -> dict[str, list[float]]:
    """The seconds that each step takes, in `rounds` rounds of all of them: the machine's moods hit them alike."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    bar = tqdm(total=(warmup + rounds) * len(steps), unit="step", dynamic_ncols=True)
    for number in range(warmup + rounds):
        for name, step in steps.items():
            bar.set_description(name)
            began = time.perf_counter()
            step()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if number >= warmup:
                seconds[name].append(time.perf_counter() - began)
            bar.update()
    bar.close()
    return seconds


def ratio(slow: list[float], fast: list[float], work: float = 1.0) -> float:
    """How many times faster; the median over pairs of neighbours. `work`: how much more `fast` does in one step."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True)) * work


def compared(cases: list[dict[str, Any]], frames: dict[str, int], seconds: dict[str, list[float]]) -> list[dict[str, Any]]:
    """A row for each case: frames per second, and where it is measured against another, how many times faster it is."""
    rows = []
    for case in cases:
        name, against, goal = case["name"], case.get("against"), case.get("goal")
        row = {"what": name, "frames_per_second": frames[name] / statistics.median(seconds[name])}
        if against:
            faster = ratio(seconds[against], seconds[name], work=frames[name] / frames[against])
            row |= {"against": against, "ratio": faster, "goal": goal, "reached": None if goal is None else faster >= goal}
        rows.append(row)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    lines = [f"{'training step':20}{'frames/s':>9}  {'against':18}{'ratio':>6}{'goal':>6}"]
    for row in rows:
        line = f"{row['what']:20}{row['frames_per_second']:9.0f}"
        if "ratio" in row:
            line += f"  {row['against']:18}{row['ratio']:6.2f}"
            line += "" if row["goal"] is None else f"{row['goal']:6.1f}  {'reached' if row['reached'] else 'missed'}"
        lines.append(line)
    return "\n".join(lines)


def shares(seconds: dict[str, float]) -> str:
    """Who takes how much of the time, e.g. `D 40%, G 60%`."""
    return ", ".join(f"{name} {part / sum(seconds.values()):.0%}" for name, part in seconds.items())
