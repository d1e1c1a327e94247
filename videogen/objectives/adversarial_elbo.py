"""The bound of the factored VideoVAE against critics (`models/critics.py`)."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from videogen import noise
from videogen.objectives.disguise import false_colours, false_places, glimpsed
from videogen.objectives.factored_elbo import FactoredElbo
from videogen.objectives.objective import Batch, Terms
from videogen.objectives.video_elbo import some, some_frames


@dataclass(frozen=True)
class Dream:
    """Videos that nobody filmed, with what they were to show."""

    chosen: Int64[Tensor, "d"]  # the clips of the batch that they stand beside
    counts: Bool[Tensor, "d"]  # false for the one that is made where there is none
    video: Float[Tensor, "d t c h w"]
    wish: Float[Tensor, "d k"]  # as the model was told
    identity: Int64[Tensor, "d"]
    action: Int64[Tensor, "d"]
    known: Bool[Tensor, "d"]  # whether training may know the action
    backwards: Bool[Tensor, "d"]  # as the clip beside it, if it is of the clip's own action


class AdversarialElbo(FactoredElbo):
    """The bound, and what the model makes that nobody filmed against critics (player `critic` trains them; hinge loss).

    A pair of person and action that no clip shows is not learnt from clips. So the model **dreams**: beside some clips it
    makes a video of any person at any action, all pairs alike. Some dreams borrow the clip's own motion; they teach the
    paint. The others move as the prior has it, from the start, from the clip's first frame or out of another action; they
    teach the dynamics, and the paint stays still: let both give way at once, and they agree on pictures that please a
    critic and nobody else. The critics are not told which pairs were filmed; of a model that knows which way clips run,
    those of motion and dynamics are told that.

    adversarial                   - mean score of patches, times the frames: of reconstructions
    dream_patches                 the same of the dreams: do their details belong to this person?
    dream_motion                  - score of the dreams' motion: is it the action's?
    dream_dynamics                - score of the motion states that the prior goes through by itself, from the start or
                                  from a first frame: of the clip's own action, and never painted
    dream_identity, dream_action  cross-entropies of who and what the model's own attribute net sees in them, nats. It
                                  learns nothing from them: the two must not agree on a sign of their own.
    betrayal                      how far the critic's guess at the motion's owner is from "anybody", cross-entropy to the
                                  uniform distribution over it, nats summed over frames: 0 where nothing is betrayed

    judged      how many frames of each clip the patch critic sees
    dreams      how many of the clips have a dream beside them, a share
    borrowed    how many of the dreams borrow their motion, a share
    switched    how many of them come out of another action, a share: no clip changes its action on the way. They are as
                long as two clips, the action changes in the first half, and the second is judged. Half of the dreams that
                borrow nothing go on from a first frame, the others are these and those from the start
    worn        clips are recoloured and moved by up to this share of the frame before the motion critic sees them, real or
                not: it learns from few, and is to know nobody by place or tint
    contrast    by up to what share theirs is changed for it. How fast a pale arm moves shows in how much changes: 0 lets it
                see that, and tells it more of who is there
    glimpses    whether frames are mirrored, moved and lit anew before the patch critic sees them, real or not: it does not
                learn the few clips there are by heart, and a dream is not false for being none of them
    """

    def __init__(
        self,
        model: nn.Module,
        judged: int = 2,
        dreams: float = 0.5,
        borrowed: float = 1.0,
        switched: float = 0.0,
        worn: float = 0.1,
        contrast: float = 0.4,
        glimpses: bool = False,
        **bound: float | int | str,
    ):
        super().__init__(model, **bound)  # type: ignore[arg-type]
        if not 0 < dreams <= 1:
            raise ValueError(f"dreams is a share above 0 and at most 1, got {dreams}: for none use the FactoredElbo")
        if not 0 <= switched <= (1 - borrowed) / 2:
            raise ValueError(f"switched is a share of at most (1 - borrowed) / 2 = {(1 - borrowed) / 2:g}, got {switched}")
        if not 0 <= contrast <= 1:
            raise ValueError(f"contrast is a share between 0 and 1, got {contrast}")
        self.judged, self.dreams, self.borrowed, self.switched = judged, dreams, borrowed, switched
        self.worn, self.contrast, self.glimpses = worn, contrast, glimpses

    def vae(self, batch: Batch) -> Terms:
        as_filmed, batch = batch, self.filmed(batch)
        a, shown = self.told(batch), some_frames(batch, self.shown)
        rollout = self.disguised(batch, a, shown)
        t = batch["video"].shape[1]
        few = self.as_glimpsed(rollout.x_hat[:, : self.judged], batch["seed"] + 30)
        (scores,) = self.model.critic.patches(few, a[:, : self.model.identities])
        action = a[:, self.model.identities :]
        owners = self.model.critic.owners(rollout.h, action)
        dream = self.dream(batch, a, rollout.h)
        patches, motion = self.dream_scores(batch, dream)
        net, seed = self.model.attribute_net, batch["seed"][dream.chosen]
        with noise.drawn_for(seed + 13):
            logits = functional_call(net, held(net), self.about(dream.video, seed))
        recognised = self.entropies(logits, {"identity": dream.identity, "action": dream.action}, dream.known)
        return {
            **self.fit(batch, shown, rollout.x_hat),
            "kl": rollout.kl,
            **self.behind(batch, a, shown, rollout),
            "adversarial": -t * scores.mean(-1),
            "betrayal": -owners.mean(-1).sum(-1) - t * math.log(self.model.identities),
            "dream_patches": self.beside(-t * patches.mean(-1), dream, batch),
            "dream_motion": self.beside(-motion, dream, batch),
            "dream_dynamics": -self.model.critic.real_dynamics(
                self.unled(as_filmed, a), self.model.as_run(action, batch["backwards"])
            ),
            **{f"dream_{name}": self.beside(entropy, dream, batch) for name, entropy in recognised.items()},
        }

    def critic(self, batch: Batch) -> Terms:
        """Hinge losses on patches, motions and motion states, and the cross-entropy of the motion's owner, nats per frame.

        wrong, wrong_motion     what is real under another person's name, or another action's, is not real either; 0 where
                                there is one alone
        """
        as_filmed, batch = batch, self.filmed(batch)
        x, shown = batch["video"], some_frames(batch, self.judged)
        with torch.no_grad():
            a = self.told(batch)
            rollout = self.disguised(batch, a, shown)
            led, unled = self.led(as_filmed, a), self.unled(as_filmed, a)
        identity, action = a[:, : self.model.identities], a[:, self.model.identities :]
        few = self.as_glimpsed(some(x, shown), batch["seed"] + 31)
        real, wrong = self.model.critic.patches(few, identity, another(identity, batch["seed"] + 14))
        (fake,) = self.model.critic.patches(self.as_glimpsed(rollout.x_hat, batch["seed"] + 30), identity)
        owners = self.model.critic.owners(rollout.h, action)
        own, other = (self.model.as_run(each, batch["backwards"]) for each in (action, another(action, batch["seed"] + 7)))
        real_motion, wrong_motion = self.model.critic.real_motion(self.as_worn(x, batch["seed"]), own, other)
        dream = self.dream(batch, a, rollout.h)
        patches, motion = self.dream_scores(batch, dream)
        return {
            "real": functional.relu(1 - real).mean(-1),
            "wrong": functional.relu(1 + wrong).mean(-1) * (self.model.identities > 1),
            "fake": functional.relu(1 + fake).mean(-1),
            "dreamt": self.beside(functional.relu(1 + patches).mean(-1), dream, batch),
            "real_motion": functional.relu(1 - real_motion),
            "wrong_motion": functional.relu(1 + wrong_motion) * (self.model.actions > 1),
            "dreamt_motion": self.beside(functional.relu(1 + motion), dream, batch),
            "real_dynamics": functional.relu(1 - self.model.critic.real_dynamics(led, own)),
            "dreamt_dynamics": functional.relu(1 + self.model.critic.real_dynamics(unled, own)),
            "owner": -(owners * identity[:, None]).sum(-1).mean(-1),
        }

    def led(self, batch: Batch, a: Float[Tensor, "b k"]) -> Float[Tensor, "b t d"]:
        """The states that clips lead the dynamics through; as cool as what the prior draws, so that noise is no sign."""
        eps = self.model.temperature * noise.normal(batch["seed"] + 20, batch["video"].shape[1], self.model.z)
        return self.model.motion(a, eps, self.disguise(batch))

    def unled(self, batch: Batch, a: Float[Tensor, "b k"]) -> Float[Tensor, "b t d"]:
        """The same actions as the prior has them: half of them go on from the first frame, half begin by themselves."""
        eps = noise.normal(batch["seed"] + 21, batch["video"].shape[1], self.model.z)
        continued = torch.special.ndtr(noise.normal(batch["seed"] + 22, 1)[:, 0]) < 0.5
        first = self.disguise(batch | {"video": batch["video"][:, :1]})
        led, alone = continued.nonzero()[:, 0], (~continued).nonzero()[:, 0]
        parts = [self.model.motion(a[led], eps[led], first[led], batch["backwards"][led])] if len(led) else []
        parts += [self.model.motion(a[alone], eps[alone], None, batch["backwards"][alone])] if len(alone) else []
        return torch.cat(parts)[torch.cat([led, alone]).argsort()]

    def dream(self, batch: Batch, a: Float[Tensor, "b k"], h: Float[Tensor, "b t d"]) -> Dream:
        """The dreams of a batch; `h` is how its clips move."""
        dreaming = torch.special.ndtr(noise.normal(batch["seed"] + 11, 1)[:, 0]) < self.dreams
        chosen = dreaming.nonzero()[:, 0]
        chosen = chosen if len(chosen) else chosen.new_zeros(1)  # one that does not count, rather than none
        seed, n, t = batch["seed"][chosen], self.model.identities, batch["video"].shape[1]
        drawn = noise.normal(seed + 5, n + self.model.actions)
        identity, action = drawn[:, :n].argmax(1), drawn[:, n:].argmax(1)
        share = torch.special.ndtr(noise.normal(seed + 12, 1)[:, 0])
        borrowed, continued = share < self.borrowed, share >= (1 + self.borrowed) / 2
        own = borrowed | continued  # it is the action of the clip
        action = torch.where(own, batch["action"][chosen], action)
        wish = self.model.attributes(identity, action)
        wish = torch.where(own[:, None], torch.cat([wish[:, :n], a[chosen, n:]], dim=1), wish)
        camera, backwards = torch.where(own, batch["camera"][chosen], 0), own & batch["backwards"][chosen]
        video = batch["video"].new_zeros(len(chosen), *batch["video"].shape[1:])
        if len(rows := borrowed.nonzero()[:, 0]):
            painted = self.model.paint(h[chosen[rows]].detach(), wish[rows], camera[rows])
            video = video.index_copy(0, rows, painted.float())
        turned = ~own & (share < self.borrowed + self.switched)
        first = self.disguise(batch)[chosen, :1] if continued.any() else None
        for which, given, switched in ((~own & ~turned, None, False), (continued, first, False), (turned, None, True)):
            if len(rows := which.nonzero()[:, 0]):
                told = self.out_of_another(wish[rows], seed[rows], t) if switched else wish[rows]
                eps = noise.normal(seed[rows] + 4, 2 * t if switched else t, self.model.z)
                motion = self.model.motion(told, eps, None if given is None else given[rows], backwards[rows])[:, -t:]
                code = self.model.embedded(wish[rows]).detach()
                painted = functional_call(self.model.dec, held(self.model.dec), (motion, code, camera[rows]))
                video = video.index_copy(0, rows, painted.float())
        known = ~own | batch["labelled"][chosen]
        return Dream(chosen, dreaming[chosen], video, wish, identity, action, known, backwards)

    def out_of_another(self, wish: Float[Tensor, "d k"], seed: Int64[Tensor, "d"], t: int) -> Float[Tensor, "d t2 k"]:
        """Another action at first, and from one of the first t frames on what was wished; 2t frames."""
        identity, action = wish.tensor_split([self.model.identities], dim=1)
        before = torch.cat([identity, another(action, seed + 16)], dim=1)
        turn = 1 + (torch.special.ndtr(noise.normal(seed + 17, 1)) * t).floor()
        return torch.where((torch.arange(2 * t, device=turn.device) < turn)[..., None], before[:, None], wish[:, None])

    def dream_scores(self, batch: Batch, dream: Dream) -> tuple[Float[Tensor, "d p"], Float[Tensor, "d"]]:
        """Of patches, and of the motion."""
        who, what = dream.wish.tensor_split([self.model.identities], 1)
        seed = batch["seed"][dream.chosen]
        few = self.as_glimpsed(some(dream.video, some_frames(batch, self.judged)[dream.chosen]), seed + 32)
        worn, own = self.as_worn(dream.video, seed + 1), self.model.as_run(what, dream.backwards)
        return self.model.critic.patches(few, who)[0], self.model.critic.real_motion(worn, own)[0]

    def beside(self, term: Float[Tensor, "d"], dream: Dream, batch: Batch) -> Float[Tensor, "b"]:
        """One number for each clip, 0 where no dream stands beside it; on average over batches that of the dreams."""
        weighed = term * dream.counts / self.dreams
        return torch.zeros(len(batch["video"]), device=term.device).index_add(0, dream.chosen, weighed)

    def as_glimpsed(self, x: Float[Tensor, "b t c h w"], seed: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
        return glimpsed(x, noise.normal(seed, 5)) if self.glimpses else x

    def as_worn(self, x: Float[Tensor, "b t c h w"], seed: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
        drawn = noise.normal(seed + 6, 9)
        return false_places(false_colours(x, drawn[:, :6], self.contrast), drawn[:, 6:], self.worn)


def held(module: nn.Module) -> dict[str, Tensor]:
    """Its parameters, as something that does not learn."""
    return {name: parameter.detach() for name, parameter in module.named_parameters()}


def another(attribute: Float[Tensor, "b k"], seed: Int64[Tensor, "b"]) -> Float[Tensor, "b k"]:
    """Each attribute turned into a different one."""
    k = attribute.shape[1]
    turn = noise.normal(seed, max(k - 1, 1)).argmax(1, keepdim=True) + 1
    return attribute.gather(1, (torch.arange(k, device=attribute.device) + turn) % k)
