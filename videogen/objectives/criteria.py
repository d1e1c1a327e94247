"""What the players of a GAN minimise, as pure functions of the discriminator's output v = D(x), element by element.

`CRITERIA` names them for YAML. A criterion gives the discriminator's loss on real samples, its loss on generated ones, and
the generator's.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import relu, softplus

Elementwise = Callable[[Float[Tensor, "..."]], Float[Tensor, "..."]]


def looks_real(logits: Float[Tensor, "b *p"]) -> Float[Tensor, "b"]:
    """-log sigmoid(v), one number a sample, the mean over patches if there are any: the discriminator's loss on real
    samples, and the non-saturating generator's on its own (Goodfellow et al. 2014, section 3)."""
    return each(softplus(-logits))


def looks_fake(logits: Float[Tensor, "b *p"]) -> Float[Tensor, "b"]:
    """-log(1 - sigmoid(v)), likewise: the discriminator's loss on generated samples."""
    return each(softplus(logits))


def each(losses: Float[Tensor, "b *p"]) -> Float[Tensor, "b"]:
    """One number a sample."""
    return losses.reshape(len(losses), -1).mean(1)


@dataclass(frozen=True)
class Criterion:
    real: Elementwise
    fake: Elementwise
    generator: Elementwise


def squares(a: float, b: float, c: float) -> Criterion:
    """LSGAN (Mao et al. 2017, equation 2): the scores of generated, real and "to pass for real"."""
    return Criterion(*(lambda v, t=target: (v - t) ** 2 / 2 for target in (b, a, c)))


def f_divergence(g: Elementwise, conjugate: Elementwise, practical: bool) -> Criterion:
    """f-GAN (Nowozin et al. 2016, equation 6 and table 6): the variational bound E T(x) - E f*(T(G)) with T = g(v).

    conjugate   v -> f*(g(v))
    practical   the generator raises E T(G) instead (section 3.2): the same fixed point, and a gradient for poor samples
    """
    return Criterion(lambda v: -g(v), conjugate, (lambda v: -g(v)) if practical else (lambda v: -conjugate(v)))


# name -> (g(v), f*(g(v)))
F_DIVERGENCES: dict[str, tuple[Elementwise, Elementwise]] = {
    "kl": (lambda v: v, lambda v: (v - 1).exp()),
    "reverse_kl": (lambda v: -(-v).exp(), lambda v: v - 1),
    "pearson": (lambda v: v, lambda v: v**2 / 4 + v),
    "neyman": (lambda v: 1 - (-v).exp(), lambda v: 2 - 2 * (-v / 2).exp()),
    "hellinger": (lambda v: 1 - (-v).exp(), lambda v: v.exp() - 1),
    "js": (lambda v: math.log(2) - softplus(-v), lambda v: softplus(v) - math.log(2)),
    "gan": (lambda v: -softplus(-v), softplus),
}

CRITERIA: dict[str, Criterion] = {
    "non_saturating": Criterion(lambda v: softplus(-v), softplus, lambda v: softplus(-v)),
    "minimax": Criterion(lambda v: softplus(-v), softplus, lambda v: -softplus(v)),
    "lsgan": squares(0.0, 1.0, 1.0),
    "lsgan_pearson": squares(-1.0, 1.0, 0.0),  # the codings for which it is a Pearson divergence (section 3.2)
    "hinge": Criterion(lambda v: relu(1 - v), lambda v: relu(1 + v), torch.neg),  # Geometric GAN (Lim & Ye 2017)
    "wasserstein": Criterion(torch.neg, lambda v: v, torch.neg),  # needs a critic that is Lipschitz: see `penalty`
    **{f"f_{name}": f_divergence(*pair, practical=False) for name, pair in F_DIVERGENCES.items()},
    **{f"f_{name}_practical": f_divergence(*pair, practical=True) for name, pair in F_DIVERGENCES.items()},
}


def named(name: str) -> Criterion:
    """Raises ValueError for an unknown name."""
    if name not in CRITERIA:
        raise ValueError(f"unknown criterion {name}: choose from {', '.join(CRITERIA)}")
    return CRITERIA[name]
