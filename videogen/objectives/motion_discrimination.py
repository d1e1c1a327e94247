"""How the motion judge is trained: actions against real frames that do not move right."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from videogen import noise, pixels, tamper
from videogen.objectives.objective import Batch, Objective, Terms


class MotionDiscrimination(Objective):
    """-log p(m | v), where m is the clip's action, or "no motion" once the clip has been tampered with; nats.

    Half of every batch is tampered with, each clip in one of `tamper.KNOWN`. The rest is at times played backwards: of the
    actions named in `directional` this counts as tampering, too, of the others as one more clip. All clips are blurred,
    brightened and covered with noise at random, so that neither softness nor flicker gives an answer away.

    backwards   false: nothing is played backwards, because that makes another action of it (a turn the other way)
    """

    def __init__(self, model: nn.Module, actions: Sequence[str], directional: Sequence[str] = (), backwards: bool = True):
        super().__init__(model)
        self.backwards = backwards
        self.directional = [number for number, name in enumerate(actions) if name in directional]

    def motion_judge(self, batch: Batch) -> Terms:
        x, wrong = self.tampered(batch["video"], batch["action"], batch["seed"])
        label = torch.where(wrong, self.model.actions, batch["action"])
        logits = self.model(worn(x, batch["seed"])).float()
        return {
            "cross_entropy": functional.cross_entropy(logits, label, reduction="none"),
            "error": (logits.argmax(-1) != label).float(),
        }

    def tampered(
        self, x: Float[Tensor, "b t c h w"], action: Int64[Tensor, "b"], seeds: Int64[Tensor, "b"]
    ) -> tuple[Float[Tensor, "b t c h w"], Tensor]:
        """The batch as the judge is shown it, and which of its clips do not move right."""
        kinds = [None, *tamper.KNOWN.values()]
        draws = [noise.seed_of(int(seed), "tamper") for seed in seeds.tolist()]
        # Half of the clips stay as they are; the kinds share the other half.
        kind = torch.tensor([0 if d % 2 else 1 + d // 2 % (len(kinds) - 1) for d in draws], device=x.device)
        shown = x
        for number, change in enumerate(kinds):
            rows = (kind == number).nonzero().flatten()
            if change is not None and len(rows):
                shown = torch.where(each(kind == number), change(x, seeds), shown)
        flipped = [self.backwards and d // 16 % 3 == 0 for d in draws]
        backwards = torch.tensor(flipped, device=x.device) & (kind == 0)
        shown = torch.where(each(backwards), shown.flip(1), shown)
        directional = torch.isin(action, torch.tensor(self.directional, device=x.device, dtype=action.dtype))
        return shown, (kind > 0) | (backwards & directional)


def worn(x: Float[Tensor, "b t c h w"], seeds: Int64[Tensor, "b"]) -> Float[Tensor, "b t c h w"]:
    """Place, size, blur, contrast and noise, drawn for each clip: what a motion has nothing to do with."""
    u = torch.special.ndtr(noise.normal(seeds + 1, 6)).to(x.device)  # uniform
    theta = x.new_zeros(len(x), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = 0.85 + 0.3 * u[:, 3]
    theta[:, :, 2] = 0.3 * (u[:, 4:6] - 0.5)
    moved = pixels.warped(x, theta)
    soft = functional.avg_pool3d(functional.pad(moved, (2, 2, 2, 2, 0, 0), mode="replicate"), (1, 5, 5), 1)
    seen = torch.lerp(moved, soft, each(u[:, 0])) * (0.7 + 0.6 * each(u[:, 1]))
    return seen + 0.04 * each(u[:, 2]) * noise.filled(x, torch.Tensor.normal_)


def each(values: Tensor) -> Tensor:
    return values[:, None, None, None, None]
