"""VideoVAE with its attributes on two paths: the action moves a latent that knows no one, the identity paints it.

He et al. (ECCV 2018) hand both attributes to every network. Nothing then asks that what was learnt of "jack" hold for a
person who was never seen doing it, and it does not. Here the dynamics know the action alone and the paint knows the
identity alone, so that a pair never seen is two halves that were:

    motion       z_1 ~ sum_k w_k N(mu_k, sigma_k), all functions of the action: a clip begins anywhere in the movement
                 z_t ~ N(f_p(h_{t-1}, action));  h_t = LSTM([z_t, action], h_{t-1})
    appearance   e = an embedding of the identity
    frame        x_t = m_t F(h_t, e) + (1 - m_t) B(e), with a mask m_t(h_t, e) and a background B that stands still;
                 with a palette, F = sum_k s_k(h_t, e) c_k(e), shares of colours that are the identity's own;
                 with places, m_t(h_t) knows nobody, and both are moved and resized as the identity is

The encoder is meant to be shown clips in disguise (`objectives/disguise.py`): what it cannot trust, z does not carry.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from videogen.distributions import Gaussian, stack
from videogen.models.attributes import Attributes
from videogen.models.critics import grey_and_change
from videogen.models.dropout import Dropout
from videogen.models.filmed import Filmed, Looks
from videogen.models.painted_decoder import PaintedDecoder, Room, over
from videogen.models.video_vae import FrameEncoder, mlp


@dataclass(frozen=True)
class Rollout:
    """One pass over a clip: what training compares. `s` frames of its `t` are decoded."""

    x_hat: Float[Tensor, "b s c h w"]
    mask: Float[Tensor, "b s 1 h w"]  # where the figure is
    kl: Float[Tensor, "b"]  # of all z, nats; of z_1, whose prior is a mixture, from the one sample that was drawn
    h: Float[Tensor, "b t d"]  # the motion


class AttributeNet(nn.Module):
    """q(identity | x) from single frames in any order, and q(action | x) from how they move, blind to colour.

    moves   widths of the layers that see motion, as many of them as the size has room for; the fourth sees a whole body
    """

    def __init__(
        self, channels: int, size: int, width: int, features: int, identities: int, actions: int, moves: Sequence[int]
    ):
        super().__init__()
        self.frame = FrameEncoder(channels, size, width, features)
        widths = list(moves)[: size.bit_length() - 2]
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise([2, *widths]):
            layers += [nn.Conv3d(before, after, (3, 4, 4), (1, 2, 2), (1, 1, 1)), nn.GroupNorm(8, after), nn.LeakyReLU(0.2)]
        self.moves = nn.Sequential(*layers)
        self.dropout = Dropout(0.3)
        self.identity, self.action = nn.Linear(features, identities), nn.Linear(2 * widths[-1], actions)

    def forward(
        self, x: Float[Tensor, "b t c h w"], recoloured: Float[Tensor, "b t c h w"] | None = None
    ) -> tuple[Float[Tensor, "b i"], Float[Tensor, "b a"]]:
        """Logits of both; of the action from the clips in other colours, where there are such."""
        features = rearrange(self.frame(rearrange(x, "b t c h w -> (b t) c h w")), "(b t) d -> b t d", b=len(x)).mean(1)
        y = rearrange(self.moves(grey_and_change(x if recoloured is None else recoloured)), "b d t h w -> b d (t h w)")
        moves = torch.cat([y.mean(-1), y.amax(-1)], dim=-1)
        return self.identity(self.dropout(features)), self.action(self.dropout(moves))


class FactoredVideoVae(Attributes, nn.Module):
    """VideoVAE whose motion path is blind to the identity, and whose paint is blind to the action.

    Attributes `a` are onehot(identity) (+) onehot(action), or any mixture of them; `[b k]` for a whole clip, `[b t k]`
    where they change on the way (the identity is then that of the first frame). Noise `eps` is N(0, I), `[b t z]` with `z`
    of the instance: one number more a frame than the latent has, which at frame 1 picks the component of the prior.

    painted     how many of the decoder's last layers know the identity, at least 1 where there are no colours
    colours     that each person is painted with; 0: any
    weighed     whether the identity scales the painted layers' weights, or what comes out of them
    room        whether the background is a `Room`, which nobody's clothes are part of
    placed      whether figures have everybody's outlines, and are moved and resized as wholes
    looks       how many ways of looking a person has, one to each pair's clips (`Looks`)
    crisp       how decidedly, outside of training: see `PaintedDecoder`
    temperature factor on the noise of what the prior draws; the mixture's component, where a clip begins, is drawn as ever.
                Below 1 there are fewer beginnings between two of them, and less variety. What an objective has it draw in
                training is as cool: a critic that sees motion kept alive by noise lets it die where the noise is less
    both_ways   whether the prior is told which way a clip runs: of a movement that begins where the other way ends, the
                next frame is else anybody's guess. Outside of training, as it was filmed
    critic      what an adversarial objective trains beside it; no part of generation
    """

    begins_with = ("codes", "first_frame")

    def __init__(
        self,
        channels: int,
        size: int,
        identities: int,
        actions: int,
        z: int = 16,
        components: int = 64,
        e: int = 64,
        hidden: int = 256,
        width: int = 32,
        features: int = 128,
        moves: Sequence[int] = (24, 48, 96),
        painted: int = 4,
        colours: int = 0,
        weighed: bool = False,
        room: bool = False,
        placed: bool = False,
        looks: int = 1,
        crisp: float = 1.0,
        temperature: float = 1.0,
        both_ways: bool = False,
        critic: nn.Module | None = None,
    ):
        super().__init__()
        if size < 16 or size & (size - 1):
            raise ValueError(f"size must be a power of two of at least 16, got {size}")
        if painted < 0 or not (painted or colours):
            raise ValueError(
                f"painted must be at least 1, or 0 with a palette, got {painted} with {colours} colours: "
                "the identity would show in the background alone"
            )
        if colours < 0 or colours == 1:
            raise ValueError(f"colours must be 0 or at least 2, got {colours}: of one colour there are no shapes")
        if looks < 1:
            raise ValueError(f"looks must be at least 1, got {looks}: a person looks somehow")
        if crisp <= 0 or (crisp != 1 and not colours):
            raise ValueError(f"crisp must be above 0, and 1 where there is no palette: got {crisp} with {colours} colours")
        if temperature < 0:
            raise ValueError(f"temperature must not be negative, got {temperature}")
        self.z, self.components, self.temperature = z + 1, components, temperature
        self.identities, self.actions = identities, actions
        self.told = ("identity", "action")
        self.enc = FrameEncoder(channels, size, width // 2, features)
        self.f_q = mlp(features + hidden + actions, 2 * z, hidden)
        self.both_ways = both_ways
        self.f_p = mlp(hidden + actions * (1 + both_ways), 2 * z, hidden)
        self.h_0 = nn.Linear(actions, 2 * hidden)
        self.f_1 = nn.Linear(actions * (1 + both_ways) + 1, components * (2 * z + 1))
        self.lstm = nn.LSTMCell(z + actions, hidden)
        self.filmed = Filmed(identities, actions) if placed or looks > 1 else None
        self.e = Looks(identities, actions, looks, e) if looks > 1 else nn.Linear(identities, e, bias=False)
        pairs = (identities, actions) if placed else None
        self.dec = PaintedDecoder(channels, size, width, hidden, e, painted, colours, weighed, room, pairs, crisp)
        nn.init.normal_(self.f_1.weight, std=0.5)  # components apart from the start, or they would stay one
        self.critic = critic
        self.attribute_net = AttributeNet(channels, size, width // 2, features, identities, actions, moves)

    def infer(self, x: Float[Tensor, "b t c h w"]) -> tuple[Float[Tensor, "b i"], Float[Tensor, "b a"]]:
        """Probabilities of identity and action of a clip."""
        identity, action = self.attribute_net(x)
        return identity.float().softmax(-1), action.float().softmax(-1)

    def forward(
        self,
        x: Float[Tensor, "b t c h w"],
        a: Float[Tensor, "b k"],
        eps: Float[Tensor, "b t z"],
        shown: Int64[Tensor, "b s"],
        camera: Int64[Tensor, "b"] | None = None,
        backwards: Bool[Tensor, "b"] | None = None,
    ) -> Rollout:
        """Posterior, prior, and the reconstruction of the frames that `shown` numbers: neighbours look alike, so that
        some of them tell the decoder nearly as much as all, at a part of the cost.

        `camera` is how many pixels the clips were moved, background and all. Told of it, the model learns how people look
        in more places than they were filmed in, and still where they were filmed. `backwards` says which of them run the
        other way round; none, if None.
        """
        features = self._features(x)
        h, kl = self._move(eps, a, features, camera, backwards)
        few = h.gather(1, repeat(shown, "b s -> b s d", d=h.shape[-1]))
        if self.training and self.filmed is not None:
            self.filmed.see(a[:, : self.identities], a[:, self.identities :])
        figure, mask, behind = self.dec.layers(few, self.embedded(a), camera, self._spot(a))
        return Rollout(over(figure, mask, behind), mask, kl, h)

    def sample(
        self,
        a: Float[Tensor, "b *k"],
        eps: Float[Tensor, "b t z"],
        first_frame: Float[Tensor, "b c h w"] | None = None,
    ) -> Float[Tensor, "b t c h w"]:
        """A video as long as `eps`, from attributes alone or with its first frame. Deterministic in its arguments."""
        return self.paint(self.motion(a, eps, None if first_frame is None else first_frame[:, None]), a)

    def motion(
        self,
        a: Float[Tensor, "b *k"],
        eps: Float[Tensor, "b t z"],
        given: Float[Tensor, "b s c h w"] | None = None,
        backwards: Bool[Tensor, "b"] | None = None,
    ) -> Float[Tensor, "b t d"]:
        """h_1 .. h_t: of the frames that are given, then as the prior goes on. Nobody's: paint it."""
        return self._move(eps, a, None if given is None else self._features(given), None, backwards)[0]

    def paint(
        self, h: Float[Tensor, "b t d"], a: Float[Tensor, "b *k"], camera: Int64[Tensor, "b"] | None = None
    ) -> Float[Tensor, "b t c h w"]:
        """The motion, as the identity in `a` looks in it."""
        return self.dec(h, self.embedded(a), camera, self._spot(a, learnt=True))

    def layers(
        self, h: Float[Tensor, "b t d"], a: Float[Tensor, "b *k"]
    ) -> tuple[Float[Tensor, "b t c h w"], Float[Tensor, "b t 1 h w"], Float[Tensor, "b 1 c h w"]]:
        """What `paint` puts together: the figure, its mask, and what is behind it."""
        return self.dec.layers(h, self.embedded(a), None, self._spot(a, learnt=True))

    def _spot(self, a: Float[Tensor, "b *k"], learnt: bool = False) -> Float[Tensor, "b #t 4"] | None:
        """Where clips of the pair have it (`Spots`). Only clips teach it: a video that nobody filmed stood nowhere."""
        if self.filmed is None or self.dec.spots is None:
            return None
        a = a if a.ndim == 3 else a[:, None]
        spot = self.dec.spots(a[:, 0, : self.identities], a[..., self.identities :], self.filmed.pairs)
        return spot.detach() if learnt else spot

    def embedded(self, a: Float[Tensor, "b *k"]) -> Float[Tensor, "b e"]:
        """What the paint is told of who is there; where the action changes on the way, as at first: clothes do not."""
        identity, action = (a if a.ndim == 2 else a[:, 0]).tensor_split([self.identities], dim=1)
        if self.filmed is None or not isinstance(self.e, Looks):
            return self.e(identity)
        return self.e(identity, action, self.filmed.pairs)

    def as_run(self, action: Float[Tensor, "b *a"], backwards: Bool[Tensor, "b"] | None) -> Float[Tensor, "b *r"]:
        """What the prior is told of the action: with `both_ways`, one that runs backwards is another. The posterior sees
        which way it runs, and what it learns of a rise is to hold for bends that were filmed rising, too.
        """
        if not self.both_ways:
            return action
        back = action.new_zeros(len(action)) if backwards is None else backwards.to(action)
        back = back.view(-1, *[1] * (action.ndim - 1))
        return torch.cat([(1 - back) * action, back * action], dim=-1)

    def room(
        self,
        x: Float[Tensor, "b t c h w"],
        a: Float[Tensor, "b k"],
        camera: Int64[Tensor, "b"],
        seen: Float[Tensor, "b s c h w"],
        mask: Float[Tensor, "b s 1 h w"],
    ) -> Float[Tensor, "b"]:
        """What the clips cost as the room alone, nats (`Room.misfit`): all that it learns from. 0 where there is none.

        `mask` is where figures are in the frames `seen`. It is gone by where it is everybody's: one that is its person's
        own may leave the room what that person always wears.
        """
        behind = self.dec.behind
        if not isinstance(behind, Room):
            return x.new_zeros(len(x))
        masked = (seen, mask) if self.dec.place is not None else ()
        return behind.misfit(x, self.embedded(a), camera, *masked)

    def needless(
        self,
        seen: Float[Tensor, "b s c h w"],
        a: Float[Tensor, "b k"],
        camera: Int64[Tensor, "b"],
        mask: Float[Tensor, "b s 1 h w"],
    ) -> Float[Tensor, "b"]:
        """How many pixels figures cover where the frames look like the room (`Room.needless`). 0 where there is none."""
        if not isinstance(self.dec.behind, Room):
            return seen.new_zeros(len(seen))
        return self.dec.behind.needless(seen, self.embedded(a), camera, mask)

    def _features(self, x: Float[Tensor, "b t c h w"]) -> Float[Tensor, "b t d"]:
        return rearrange(self.enc(rearrange(x, "b t c h w -> (b t) c h w")), "(b t) d -> b t d", b=len(x))

    def _move(
        self,
        eps: Float[Tensor, "b t z"],
        a: Float[Tensor, "b *k"],
        features: Float[Tensor, "b s f"] | None,
        camera: Int64[Tensor, "b"] | None,
        backwards: Bool[Tensor, "b"] | None,
    ) -> tuple[Float[Tensor, "b t d"], Float[Tensor, "b"]]:
        """Runs the latent dynamics: z_t from the posterior while there are features, from the prior after them.

        In fp32, whatever the rest runs in: how an arm moves lies in small differences of h, and rounding adds up.
        """
        with torch.autocast(eps.device.type, enabled=False):
            return self._moved(eps, a, None if features is None else features.float(), camera, backwards)

    def _moved(
        self,
        eps: Float[Tensor, "b t z"],
        a: Float[Tensor, "b *k"],
        features: Float[Tensor, "b s f"] | None,
        camera: Int64[Tensor, "b"] | None,
        backwards: Bool[Tensor, "b"] | None,
    ) -> tuple[Float[Tensor, "b t d"], Float[Tensor, "b"]]:
        given, length = 0 if features is None else features.shape[1], eps.shape[1]
        action = a[..., self.identities :]
        action = repeat(action, "b k -> b t k", t=length) if action.ndim == 2 else action
        h, c = self.h_0(action[:, 0]).tanh().chunk(2, dim=-1)
        run = self.as_run(action, backwards)
        log_w, mixture = self._first(run[:, 0], camera)
        states, drawn, posteriors, priors = [], [], [], []
        cooled = self.temperature * eps
        for t in range(length):
            inputs = [h, action[:, t]]
            prior = gaussian(self.f_p, h, run[:, t]) if t else picked(mixture, log_w, eps[:, 0, -1])
            if features is not None and t < given:
                q, noise = gaussian(self.f_q, features[:, t], *inputs), eps
            else:
                q, noise = prior, cooled
            z = q.sample(noise[:, t, :-1])
            h, c = self.lstm(torch.cat([z, action[:, t]], dim=-1), (h, c))
            drawn.append(z)
            states.append(h)
            posteriors.append(q)
            priors.append(prior)
        first = posteriors[0].log_prob(drawn[0]) - torch.logsumexp(log_w + mixture.log_prob(drawn[0][:, None]), dim=-1)
        later = stack(posteriors, dim=1).kl(stack(priors, dim=1))[:, 1:].sum(-1)
        return torch.stack(states, dim=1), first + later

    def _first(
        self, run: Float[Tensor, "b r"], camera: Int64[Tensor, "b"] | None = None
    ) -> tuple[Float[Tensor, "b k"], Gaussian]:
        """p(z_1 | action as it runs, camera): log weights, and the components `[b k z]`."""
        moved = run.new_zeros(len(run), 1) if camera is None else camera[:, None] / 8
        out = rearrange(self.f_1(torch.cat([run, moved], dim=-1)).float(), "b (k p) -> b k p", k=self.components)
        return out[..., 0].log_softmax(-1), Gaussian.from_parameters(out[..., 1:])


def gaussian(f: nn.Module, *inputs: Tensor) -> Gaussian:
    return Gaussian.from_parameters(f(torch.cat(inputs, dim=-1)).float())


def picked(mixture: Gaussian, log_w: Float[Tensor, "b k"], eps: Float[Tensor, "b"]) -> Gaussian:
    """The component that standard normal noise picks: its quantile among the cumulated weights."""
    k = (log_w.exp().cumsum(-1) < torch.special.ndtr(eps.float())[:, None]).sum(-1).clamp(max=log_w.shape[-1] - 1)
    rows = torch.arange(len(k), device=k.device)
    return Gaussian(mixture.mu[rows, k], mixture.logvar[rows, k])
