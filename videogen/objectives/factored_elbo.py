"""The bound of the factored VideoVAE (`models/video_vae_factored.py`)."""

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from videogen import noise, pixels
from videogen.objectives.disguise import false_colours, false_places
from videogen.objectives.objective import Batch, Terms
from videogen.objectives.video_elbo import VideoElbo, some, some_frames


class FactoredElbo(VideoElbo):
    """Player `vae`: reconstruction, kl, nats per clip, as in `VideoElbo`; `unexplained`, the share of a clip's movement
    that its reconstruction misses; `room`, what a background that is a room learns from, nats; `needless`, how many pixels
    of a frame figures cover that look like the room, summed over frames. Player `attribute_net`: identity, action, the
    cross-entropies of what is inferred, nats; it has a player of its own for it is soon done, and may take fewer turns.

    Where labels are kept from training (`labelled` is false), the attributes that were inferred stand in for them, and the
    cross-entropies are 0.

    shown   how many frames of each clip are decoded; the reconstruction is scaled up, so that the bound stays unbiased
    reach   how far the false places lie that the encoder is shown, a share of the frame
    moved   the same for the attribute net
    panned  how far the camera is moved for each clip, a share of the frame: people who travel are learnt wherever they are
    """

    def __init__(
        self,
        model: nn.Module,
        likelihood: str = "gaussian",
        sigma: float = 0.2,
        shown: int = 5,
        reach: float = 0.0,
        moved: float = 0.08,
        panned: float = 0.0,
    ):
        super().__init__(model, likelihood, sigma, shown=shown)
        self.reach, self.moved, self.panned = reach, moved, panned

    def vae(self, batch: Batch) -> Terms:
        batch = self.filmed(batch)
        a, shown = self.told(batch), some_frames(batch, self.shown)
        rollout = self.disguised(batch, a, shown)
        return {**self.fit(batch, shown, rollout.x_hat), "kl": rollout.kl, **self.behind(batch, a, shown, rollout)}

    def attribute_net(self, batch: Batch) -> Terms:
        """Cross-entropies of what the attribute net says of the clips, nats; 0 where the label is not known.

        It learns from clips that are moved about, and the action from false colours: a few hundred clips are soon known by
        heart.
        """
        batch = self.filmed(batch)
        logits = self.model.attribute_net(*self.about(batch["video"], batch["seed"]))
        return self.entropies(logits, {name: batch[name] for name in ("identity", "action")}, batch["labelled"])

    def filmed(self, batch: Batch) -> Batch:
        """The batch under a camera that was moved, and by how many pixels."""
        reach = self.panned * batch["video"].shape[-1]
        camera = (reach * (2 * torch.special.ndtr(noise.normal(batch["seed"] + 9, 1)) - 1)).round().long()[:, 0]
        return batch | {"video": pixels.panned(batch["video"], camera) if self.panned else batch["video"], "camera": camera}

    def told(self, batch: Batch) -> Float[Tensor, "b k"]:
        """What the model is told of each clip: its labels or, where they are kept from it, what it infers itself."""
        label, known = self.model.attributes(batch["identity"], batch["action"]), batch["labelled"]
        if known.all():
            return label
        with torch.no_grad():
            guess = torch.cat([logit.float().softmax(-1) for logit in self.model.attribute_net(batch["video"])], dim=-1)
        return torch.where(known[:, None], label, guess)

    def about(self, x: Float[Tensor, "b t c h w"], seed: Int64[Tensor, "b"]) -> tuple[Tensor, Tensor]:
        """The clips moved about, and these in false colours."""
        drawn = noise.normal(seed + 8, 9)
        moved = false_places(x, drawn[:, 6:], self.moved)
        return moved, false_colours(moved, drawn[:, :6])

    @staticmethod
    def entropies(logits: tuple[Tensor, Tensor], labels: dict[str, Tensor], known: Tensor) -> Terms:
        """Cross-entropies, 0 where a label is not known."""
        return {
            name: functional.cross_entropy(logit.float(), label, reduction="none") * known
            for logit, (name, label) in zip(logits, labels.items(), strict=True)
        }

    def disguised(self, batch: Batch, a: Float[Tensor, "b k"], shown: Int64[Tensor, "b s"]) -> Any:
        """The model's pass over the clips as their encoder sees them."""
        eps = noise.normal(batch["seed"], batch["video"].shape[1], self.model.z)
        return self.model(self.disguise(batch), a, eps, shown, batch["camera"], batch["backwards"])

    def disguise(self, batch: Batch) -> Float[Tensor, "b t c h w"]:
        """False colours, and false places if there is a reach."""
        drawn = noise.normal(batch["seed"] + 1, 9)
        seen = false_colours(batch["video"], drawn[:, :6])
        return false_places(seen, drawn[:, 6:], self.reach) if self.reach else seen

    def behind(self, batch: Batch, a: Float[Tensor, "b k"], shown: Int64[Tensor, "b s"], rollout: Any) -> Terms:
        """What the clips cost as their rooms, with the figures where the model has them, and what these hide needlessly."""
        x = batch["video"]
        seen, share = some(x, shown), x.shape[1] / shown.shape[1]
        return {
            "room": self.model.room(x, a, batch["camera"], seen, rollout.mask),
            "needless": share * self.model.needless(seen, a, batch["camera"], rollout.mask),
        }

    def fit(self, batch: Batch, shown: Int64[Tensor, "b s"], x_hat: Float[Tensor, "b s c h w"]) -> Terms:
        """What the clips cost that are painted as x_hat in the frames shown."""
        x = batch["video"]
        energy = self.energy_of_some(x, shown, x_hat)
        return {"reconstruction": energy, "unexplained": unexplained(x, some(x, shown), x_hat)}


def unexplained(
    x: Float[Tensor, "b t c h w"], seen: Float[Tensor, "b s c h w"], x_hat: Float[Tensor, "b s c h w"]
) -> Float[Tensor, "b"]:
    """Of how a clip x moves, the share that x_hat misses in the frames that are seen: the squared error, each pixel's
    weighed by its variance over time, beside what the clip's mean has. 0 where all is explained, 1 for a still; as much for
    a pale thin arm as for a whole body that travels. The floor keeps clips out that hardly move.
    """
    change = x.float().var(1, unbiased=False).mean(1)
    error = (x_hat.float() - seen).square().mean((1, 2))
    return (change * error).mean((1, 2)) / change.square().mean((1, 2)).clamp(min=1e-5)
