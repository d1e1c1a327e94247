"""CoGAN's game (Liu & Tuzel 2016, equation 2), on images and on their edges."""

from jaxtyping import Float
from torch import Tensor, no_grad
from torch.nn import functional

from videogen import noise
from videogen.objectives.criteria import looks_fake, looks_real
from videogen.objectives.objective import Batch, Objective, Terms


class CoGan(Objective):
    """Two games at once, one in each domain. Every image is judged alone: which belong together is nowhere told.

    D   real_1, fake_1 (images), real_2, fake_2 (edges)
    G   first, second
    """

    def D(self, batch: Batch) -> Terms:
        x = batch["image"]
        with no_grad():
            made = self.model.both(noise.normal(batch["seed"], self.model.z))
        real, fake = self.model.judge(x, edges(x)), self.model.judge(*made)
        terms = {f"real_{k + 1}": looks_real(logit) for k, logit in enumerate(real)}
        return terms | {f"fake_{k + 1}": looks_fake(logit) for k, logit in enumerate(fake)}

    def G(self, batch: Batch) -> Terms:
        first, second = self.model.judge(*self.model.both(noise.normal(batch["seed"] + 1, self.model.z)))
        return {"first": looks_real(first), "second": looks_real(second)}


def edges(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """The second domain of the paper's digits: the dilated image less the image, in [-1, 1]."""
    return functional.max_pool2d(x, 3, 1, 1) - x - 1
