"""What the players of a GAN minimise, as pure functions of the discriminator's logits.

Every function takes logits `[b ...]` of any shape after the batch (patches, say) and gives one number a sample, the mean
over them.
"""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def looks_real(logits: Float[Tensor, "b ..."]) -> Float[Tensor, "b"]:
    """-log sigmoid(logit): the discriminator's loss on real samples, and the non-saturating generator's on its own
    (Goodfellow et al. 2014, section 3)."""
    return functional.softplus(-logits).reshape(len(logits), -1).mean(1)


def looks_fake(logits: Float[Tensor, "b ..."]) -> Float[Tensor, "b"]:
    """-log(1 - sigmoid(logit)): the discriminator's loss on generated samples."""
    return functional.softplus(logits).reshape(len(logits), -1).mean(1)
