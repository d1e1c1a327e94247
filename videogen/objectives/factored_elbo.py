"""The bound of the factored VideoVAE, alone and against critics (`models/video_vae_factored.py`, `models/critics.py`)."""

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from videogen import noise
from videogen.objectives.disguise import false_colours, false_places
from videogen.objectives.objective import Batch, Terms
from videogen.objectives.video_elbo import VideoElbo


class FactoredElbo(VideoElbo):
    """reconstruction, kl: nats per clip, as in `VideoElbo`; identity, action: cross-entropies of what is inferred, nats.

    Where labels are kept from training (`labelled` is false), the attributes that were inferred stand in for them, and the
    cross-entropies are 0.

    shown   how many frames of each clip are decoded; the reconstruction is scaled up, so that the bound stays unbiased
    reach   of the false places that the encoder is shown, a share of the frame
    """

    def __init__(
        self, model: nn.Module, likelihood: str = "gaussian", sigma: float = 0.2, shown: int = 5, reach: float = 0.0
    ):
        super().__init__(model, likelihood, sigma)
        self.shown, self.reach = shown, reach

    def vae(self, batch: Batch) -> Terms:
        a, entropies = self.told(batch)
        shown = self.some_frames(batch, self.shown)
        rollout = self.disguised(batch, a, shown)
        return {**self.reconstruction(batch, shown, rollout.x_hat), "kl": rollout.kl, **entropies}

    def told(self, batch: Batch) -> tuple[Float[Tensor, "b k"], Terms]:
        """What the model is told of each clip: its labels or, where they are kept from it, what it infers itself."""
        logits = dict(zip(("identity", "action"), self.model.attribute_net(batch["video"]), strict=True))
        guess = torch.cat([logit.float().softmax(-1) for logit in logits.values()], dim=-1).detach()
        entropies = {
            name: functional.cross_entropy(logit.float(), batch[name], reduction="none") * batch["labelled"]
            for name, logit in logits.items()
        }
        label = self.model.attributes(batch["identity"], batch["action"])
        return torch.where(batch["labelled"][:, None], label, guess), entropies

    def disguised(self, batch: Batch, a: Float[Tensor, "b k"], shown: Int64[Tensor, "b s"]):
        """The model's pass over the clips as their encoder sees them."""
        x, drawn = batch["video"], noise.normal(batch["seed"] + 1, 9)
        seen = false_colours(x, drawn[:, :6])
        if self.reach:
            seen = false_places(seen, drawn[:, 6:], self.reach)
        return self.model(seen, a, noise.normal(batch["seed"], x.shape[1], self.model.z), shown)

    def some_frames(self, batch: Batch, count: int) -> Int64[Tensor, "b s"]:
        """`count` different frames of each clip, in random order."""
        return noise.normal(batch["seed"] + 2, batch["video"].shape[1]).argsort(1)[:, :count]

    def reconstruction(self, batch: Batch, shown: Int64[Tensor, "b s"], x_hat: Float[Tensor, "b s c h w"]) -> Terms:
        x = batch["video"]
        energy = self.energy(x[torch.arange(len(x), device=x.device)[:, None], shown], x_hat)
        return {"reconstruction": energy * (x.shape[1] / shown.shape[1])}


class AdversarialElbo(FactoredElbo):
    """The bound, and two critics that the model has to please (player `critic` trains them; hinge loss).

    adversarial   - mean score of patches, times the frames: of reconstructions, and of the same motion painted as somebody
                  else. It asks that details look real, and that a pair never seen look like its person.
    betrayal      how far the critic's guess at the motion's owner is from "anybody", cross-entropy to the uniform
                  distribution over it, nats summed over frames: 0 where nothing is betrayed

    judged        how many frames of each clip the patch critic sees
    """

    def __init__(self, model: nn.Module, judged: int = 2, **bound: float | int | str):
        super().__init__(model, **bound)  # type: ignore[arg-type]
        self.judged = judged

    def vae(self, batch: Batch) -> Terms:
        a, entropies = self.told(batch)
        shown = self.some_frames(batch, self.shown)
        rollout = self.disguised(batch, a, shown)
        t = batch["video"].shape[1]
        scores = self.fake_scores(batch, a, rollout.h, rollout.x_hat[:, : self.judged])
        owners = self.model.critic.owners(rollout.h, a[:, self.model.identities :])
        return {
            **self.reconstruction(batch, shown, rollout.x_hat),
            "kl": rollout.kl,
            **entropies,
            "adversarial": -t * scores.mean(-1),
            "betrayal": -owners.mean(-1).sum(-1) - t * math.log(self.model.identities),
            **self.on_swaps(batch, rollout.h),
        }

    def on_swaps(self, batch: Batch, h: Float[Tensor, "b t d"]) -> Terms:
        """More terms, on the motions `h`."""
        return {}

    def others(self, batch: Batch) -> Int64[Tensor, "b"]:
        """Anybody, for each clip."""
        return noise.normal(batch["seed"] + 3, self.model.identities).argmax(1)

    def critic(self, batch: Batch) -> Terms:
        """Hinge losses on patches, and the cross-entropy of the motion's owner, nats per frame."""
        x, shown = batch["video"], self.some_frames(batch, self.judged)
        with torch.no_grad():
            a, _ = self.told(batch)
            rollout = self.disguised(batch, a, shown)
        identity, action = a[:, : self.model.identities], a[:, self.model.identities :]
        real = self.model.critic.patches(x[torch.arange(len(x), device=x.device)[:, None], shown], identity)
        fake = self.fake_scores(batch, a, rollout.h, rollout.x_hat)
        owners = self.model.critic.owners(rollout.h, action)
        return {
            "real": functional.relu(1 - real).mean(-1),
            "fake": functional.relu(1 + fake).mean(-1),
            "owner": -(owners * identity[:, None]).sum(-1).mean(-1),
        }

    def fake_scores(
        self, batch: Batch, a: Float[Tensor, "b k"], h: Float[Tensor, "b t d"], x_hat: Float[Tensor, "b s c h w"]
    ) -> Float[Tensor, "b p"]:
        """Patch scores of the reconstructions `x_hat`, and of the motion in the same frames as anybody else's."""
        swapped = self.model.attributes(self.others(batch), batch["action"])
        few = h.gather(1, self.some_frames(batch, self.judged)[..., None].expand(-1, -1, h.shape[-1]))
        n, patches = self.model.identities, self.model.critic.patches
        return torch.cat([patches(x_hat, a[:, :n]), patches(self.model.paint(few, swapped), swapped[:, :n])], dim=1)


class RecognisedElbo(AdversarialElbo):
    """And swaps have to be recognised by the model's own attribute net.

    swapped_identity, swapped_action    the cross-entropies of who and what it infers from a motion that is painted as
                  somebody else, nats. It learns nothing from them, so that the two cannot agree on a sign of their own.
    """

    def on_swaps(self, batch: Batch, h: Float[Tensor, "b t d"]) -> Terms:
        """Cross-entropies of the attribute net, held still, on every other clip's motion painted as somebody else."""
        chosen = (batch["seed"] % 2 == 0).nonzero()[:, 0]
        terms = {f"swapped_{name}": torch.zeros(len(h), device=h.device) for name in ("identity", "action")}
        if not len(chosen):
            return terms
        who = {"identity": self.others(batch), "action": batch["action"]}
        painted = self.model.paint(h[chosen], self.model.attributes(*(label[chosen] for label in who.values())))
        still = {name: p.detach() for name, p in self.model.attribute_net.named_parameters()}
        logits = torch.func.functional_call(self.model.attribute_net, still, (painted,))
        for (name, label), logit in zip(who.items(), logits, strict=True):
            entropy = functional.cross_entropy(logit.float(), label[chosen], reduction="none")
            known = batch["labelled"][chosen] if name == "action" else 1.0
            terms[f"swapped_{name}"] = terms[f"swapped_{name}"].index_add(0, chosen, 2 * entropy * known)
        return terms
