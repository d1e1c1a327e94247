import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from videogen import noise
from videogen.models.dcgan import DcGan, Verdict
from videogen.objectives.criteria import CRITERIA, F_DIVERGENCES, each, looks_fake, looks_real, named
from videogen.objectives.gan import BoundarySeekingGan, Gan

B = 4


def softplus(v: float) -> float:
    return math.log(1 + math.exp(v))


def sigmoid(v: float) -> float:
    return 1 / (1 + math.exp(-v))


# name -> v -> (real, fake, generator), written out from the papers
CLOSED = {
    "non_saturating": lambda v: (-math.log(sigmoid(v)), -math.log(1 - sigmoid(v)), -math.log(sigmoid(v))),
    "minimax": lambda v: (-math.log(sigmoid(v)), -math.log(1 - sigmoid(v)), math.log(1 - sigmoid(v))),
    "lsgan": lambda v: ((v - 1) ** 2 / 2, v**2 / 2, (v - 1) ** 2 / 2),
    "lsgan_pearson": lambda v: ((v - 1) ** 2 / 2, (v + 1) ** 2 / 2, v**2 / 2),
    "hinge": lambda v: (max(0, 1 - v), max(0, 1 + v), -v),
    "wasserstein": lambda v: (-v, v, -v),
}

# name -> (g(v), f*(t), f(u), f'(u)): f-GAN's tables 1, 2 and 6
F = {
    "kl": (lambda v: v, lambda t: math.exp(t - 1), lambda u: u * math.log(u), lambda u: 1 + math.log(u)),
    "reverse_kl": (lambda v: -math.exp(-v), lambda t: -1 - math.log(-t), lambda u: -math.log(u), lambda u: -1 / u),
    "pearson": (lambda v: v, lambda t: t**2 / 4 + t, lambda u: (u - 1) ** 2, lambda u: 2 * (u - 1)),
    "neyman": (
        lambda v: 1 - math.exp(-v),
        lambda t: 2 - 2 * math.sqrt(1 - t),
        lambda u: (1 - u) ** 2 / u,
        lambda u: 1 - 1 / u**2,
    ),
    "hellinger": (
        lambda v: 1 - math.exp(-v),
        lambda t: t / (1 - t),
        lambda u: (math.sqrt(u) - 1) ** 2,
        lambda u: 1 - 1 / math.sqrt(u),
    ),
    "js": (
        lambda v: math.log(2) - softplus(-v),
        lambda t: -math.log(2 - math.exp(t)),
        lambda u: u * math.log(u) - (u + 1) * math.log((1 + u) / 2),
        lambda u: math.log(2 * u / (1 + u)),
    ),
    "gan": (
        lambda v: -softplus(-v),
        lambda t: -math.log(1 - math.exp(t)),
        lambda u: u * math.log(u) - (u + 1) * math.log(u + 1),
        lambda u: math.log(u / (1 + u)),
    ),
}


def test_every_criterion_has_its_closed_form_here():
    assert F_DIVERGENCES.keys() == F.keys()
    assert CRITERIA.keys() == CLOSED.keys() | {f"f_{name}{end}" for name in F for end in ("", "_practical")}
    with pytest.raises(ValueError, match="unknown criterion lsgann: choose from non_saturating, minimax"):
        named("lsgann")


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize("v", [-2.5, -0.4, 0.0, 0.3, 1.7])
def test_a_criterion_by_hand(name, v):
    criterion, at = named(name), torch.tensor([v], dtype=torch.float64)
    measured = (criterion.real(at), criterion.fake(at), criterion.generator(at))
    assert [float(value) for value in measured] == pytest.approx(CLOSED[name](v))


@pytest.mark.parametrize("name", F)
@pytest.mark.parametrize("v", [-1.1, -0.4, 0.3, 0.6])
def test_an_f_divergence_by_hand(name, v):
    g, conjugate, _, _ = F[name]
    t, at = g(v), torch.tensor([v], dtype=torch.float64)
    for criterion, generator in ((named(f"f_{name}"), -conjugate(t)), (named(f"f_{name}_practical"), -t)):
        measured = (criterion.real(at), criterion.fake(at), criterion.generator(at))
        assert [float(value) for value in measured] == pytest.approx((-t, conjugate(t), generator))


@pytest.mark.parametrize("name", F)
def test_the_bound_is_the_divergence_where_t_is_best(name):
    """E_p T - E_q f*(T) <= D_f(p || q), with equality at T = f'(p / q) (Nowozin et al. 2016, equations 4 and 5)."""
    p, q = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64), torch.tensor([0.2, 0.35, 0.45], dtype=torch.float64)
    g, _, f, slope = F[name]

    def solved(target: float) -> float:
        low, high = -20.0, 20.0  # g rises everywhere
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if g(middle) < target else (low, middle)
        return low

    def bound(v: torch.Tensor) -> float:
        return float(-(p * named(f"f_{name}").real(v)).sum() - (q * named(f"f_{name}").fake(v)).sum())

    best = torch.tensor([solved(slope(u)) for u in (p / q).tolist()], dtype=torch.float64)
    divergence = sum(b * f(a / b) for a, b in zip(p.tolist(), q.tolist(), strict=True))
    assert bound(best) == pytest.approx(divergence)
    for shift in ([0.1, 0, 0], [0, -0.1, 0], [0.1, 0.1, -0.1]):
        assert bound(best + torch.tensor(shift, dtype=torch.float64)) < divergence - 1e-5


def test_the_minimax_value_is_the_jensen_shannon_divergence():
    """At D = p / (p + q) it is 2 JSD - ln 4 (Goodfellow et al. 2014, theorem 1); -ln 4 where p = q."""
    p, q = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.2, 0.35, 0.45])
    minimax = named("minimax")
    v = (p / q).log()  # the logit of p / (p + q)
    value = -float((p * minimax.real(v)).sum() + (q * minimax.fake(v)).sum())
    middle = (p + q) / 2
    jsd = float((p * (p / middle).log()).sum() + (q * (q / middle).log()).sum()) / 2
    assert value == pytest.approx(2 * jsd - math.log(4))
    assert float(minimax.real(torch.zeros(1)) + minimax.fake(torch.zeros(1))) == pytest.approx(math.log(4))


def test_the_gradient_that_vanishes_and_the_one_that_does_not():
    v = torch.tensor([-10.0, 0.0], requires_grad=True)
    (flat,) = torch.autograd.grad(named("minimax").generator(v).sum(), v)
    (steep,) = torch.autograd.grad(named("non_saturating").generator(v).sum(), v)
    assert flat.tolist() == pytest.approx([-sigmoid(-10), -0.5]) and steep.tolist() == pytest.approx([-sigmoid(10), -0.5])


def test_patches_are_averaged():
    v = torch.tensor([[[-1.0, 1.0], [0.0, 2.0]]])
    assert looks_real(v).tolist() == pytest.approx([sum(map(softplus, (1, -1, 0, -2))) / 4])
    assert looks_fake(v).tolist() == pytest.approx([sum(map(softplus, (-1, 1, 0, 2))) / 4])
    assert each(torch.tensor([3.0, 5.0])).tolist() == [3, 5]


class Said(nn.Module):
    """G: z -> 1 x 1 x 2 pixels. D: any function of the pixels."""

    labelled, z = False, 2

    def __init__(self, score):
        super().__init__()
        self.G, self.w = nn.Linear(2, 2, bias=False), nn.Parameter(torch.tensor([3.0, 4.0]))
        nn.init.eye_(self.G.weight)
        self.score = score

    def sample(self, y, eps):
        return self.G(eps)[:, None, None]

    def judge(self, x, y):
        return Verdict(self.score(self, x.flatten(1)))


def points() -> dict[str, torch.Tensor]:
    x = torch.randn((B, 1, 1, 2), generator=torch.Generator().manual_seed(0))
    return {"image": x, "label": torch.zeros(B, dtype=torch.int64), "seed": torch.arange(B) * 1000}


@pytest.mark.parametrize("criterion", ["non_saturating", "hinge", "f_kl_practical"])
def test_the_terms_are_the_criterion_of_real_and_of_made(criterion):
    objective, batch = Gan(Said(lambda model, x: x @ model.w), criterion), points()
    terms = objective("D", batch)
    v = batch["image"].flatten(1) @ objective.model.w
    torch.testing.assert_close(terms["real"], named(criterion).real(v))
    torch.testing.assert_close(terms["fake"], named(criterion).fake(noise.normal(batch["seed"], 2) @ objective.model.w))
    later = noise.normal(batch["seed"] + 1, 2) @ objective.model.w  # images of G's own turn
    torch.testing.assert_close(objective("G", batch)["adversarial"], named(criterion).generator(later))


def test_the_gradient_penalty_of_a_linear_critic():
    """D = w.x has the gradient w everywhere: (|w| - 1)^2 = 16, and the penalty's own gradient is 2 (|w| - 1) w / |w|."""
    objective = Gan(Said(lambda model, x: x @ model.w), "wasserstein", penalty=True)
    penalty = objective("D", points())["penalty"]
    assert penalty.tolist() == pytest.approx([16.0] * B)
    penalty.mean().backward()
    assert objective.model.w.grad.tolist() == pytest.approx([8 * 0.6, 8 * 0.8])
    assert objective.model.G.weight.grad is None


def test_the_gradient_penalty_is_taken_between_real_and_made():
    """D = |x|^2 / 2 has the gradient x: the penalty says where it was taken."""
    objective, batch = Gan(Said(lambda model, x: x.square().sum(1) / 2), "wasserstein", penalty=True), points()
    share = torch.special.ndtr(noise.normal(batch["seed"] + 2, 1))
    real, made = batch["image"].flatten(1), noise.normal(batch["seed"], 2)
    between = real + share * (made - real)
    torch.testing.assert_close(objective("D", batch)["penalty"], (between.norm(dim=1) - 1) ** 2)


def dcgan(**changes) -> DcGan:
    torch.manual_seed(0)
    return DcGan(channels=1, size=8, classes=3, z=5, width=4, **changes)


def images() -> dict[str, torch.Tensor]:
    return {
        "image": torch.randn((B, 1, 8, 8), generator=torch.Generator().manual_seed(0)).tanh(),
        "label": torch.tensor([0, 1, 2, 1]),
        "labelled": torch.tensor([True, False, True, True]),
        "seed": torch.arange(B) * 1000,
    }


GAMES = {
    "plain": ({}, False, {"real", "fake"}, {"adversarial"}),
    "conditional": ({"conditional": True}, False, {"real", "fake"}, {"adversarial"}),
    "penalised": ({"norm": False}, True, {"real", "fake", "penalty"}, {"adversarial"}),
    "AC-GAN": (
        {"names_classes": True},
        False,
        {"real", "fake", "class_real", "class_fake"},
        {"adversarial", "class"},
    ),
    "InfoGAN": (
        {"categories": 4, "continuous": 2},
        False,
        {"real", "fake", "category", "continuous"},
        {"adversarial", "category", "continuous"},
    ),
    "categories": ({"categories": 4}, False, {"real", "fake", "category"}, {"adversarial", "category"}),
    "continuous": ({"continuous": 1}, False, {"real", "fake", "continuous"}, {"adversarial", "continuous"}),
}


@pytest.mark.parametrize("name", GAMES)
def test_the_terms_are_what_d_says_and_each_is_one_number_a_sample(name):
    changes, penalty, of_d, of_g = GAMES[name]
    objective = Gan(dcgan(**changes), penalty=penalty)
    for player, wanted in (("D", of_d), ("G", of_g)):
        terms = objective(player, images())
        assert terms.keys() == wanted and all(term.shape == (B,) for term in terms.values())


@pytest.mark.parametrize("name", GAMES)
def test_no_turn_moves_more_than_it_should(name):
    """D's turn leaves G alone; G's reaches G through D, which the trainer freezes."""
    changes, penalty, _, _ = GAMES[name]
    objective = Gan(dcgan(**changes), penalty=penalty)
    for player, others, own in (("D", "G", {"D"}), ("G", "D", {"G"}), ("D", "", {"D"}), ("G", "", {"D", "G"})):
        objective.requires_grad_(True).zero_grad(set_to_none=True)
        if others:
            objective.model.get_submodule(others).requires_grad_(False)
        sum(term.sum() for term in objective(player, images()).values()).backward()
        moved = {n: p.grad for n, p in objective.model.named_parameters() if p.grad is not None and p.grad.any()}
        assert {n.split(".")[0] for n in moved} == own
    heads = {n.split(".")[1] for n in moved if n.startswith("D")}
    assert heads == {
        "trunk",
        "score",
        *(["classes"] if changes.get("names_classes") else []),
        *(["Q"] if name in ("InfoGAN", "categories", "continuous") else []),
    }


def test_unlabelled_images_are_not_held_to_their_class():
    objective, batch = Gan(dcgan(names_classes=True).eval()), images()
    terms, classes = objective("D", batch), objective.model.judge(batch["image"], batch["label"]).classes
    expected = -classes.log_softmax(1)[torch.arange(B), batch["label"]]
    torch.testing.assert_close(terms["class_real"], expected * torch.tensor([1.0, 0.0, 1.0, 1.0]))
    made = objective.model.sample(batch["label"], noise.normal(batch["seed"], objective.model.z))
    named_ = objective.model.judge(made, batch["label"]).classes.log_softmax(1)
    torch.testing.assert_close(terms["class_fake"], -named_[torch.arange(B), batch["label"]])


def test_the_surprise_at_a_code_by_hand():
    """Three categories at probability 1/2, 1/4, 1/4, and one Gaussian with mean 0.5 and variance 4."""
    objective = Gan(dcgan(categories=3, continuous=1))
    code = torch.tensor([[math.log(2), 0.0, 0.0, 0.5, math.log(4)]])
    eps = torch.tensor([[0.1, 0.9, 0.2, 0.6745, 0.0, 0.0, 0.0, 0.0, 0.0]])  # the second category; 2 Phi(.6745) - 1 = 1/2
    expected = (math.log(2 * math.pi) + math.log(4)) / 2
    terms = objective.surprise(code, eps)
    assert {name: value.item() for name, value in terms.items()} == pytest.approx(
        {"category": math.log(4), "continuous": expected}, rel=1e-4
    )
    further = eps.clone()
    further[0, 3] = -0.6745  # -1/2: one away from the mean
    assert objective.surprise(code, further)["continuous"].tolist() == pytest.approx([expected + 1 / 8], rel=1e-4)


def test_each_turn_has_images_of_its_own():
    objective, batch = Gan(dcgan().eval()), images()
    first, wanted, eps = objective.made(batch, 0)
    assert torch.equal(first, objective.made(batch, 0)[0]) and torch.equal(wanted, batch["label"])
    assert not torch.allclose(eps, objective.made(batch, 1)[2])
    alone = objective.made({name: value[2:3] for name, value in batch.items()}, 0)[0]
    torch.testing.assert_close(alone, first[2:3])  # whatever it is drawn with


def test_the_boundary_follows_log_z():
    """log Z is a running mean of log E exp(v), of which each turn of G, and only of G, adds a twentieth."""
    objective = BoundarySeekingGan(Said(lambda model, x: x[:, 0]), memory=0.95, criterion="non_saturating")
    batches = [{**points(), "seed": torch.arange(B) + 100 * k} for k in range(3)]
    log_z = [0.0]
    for batch in batches:
        objective("D", batch)
        assert float(objective.log_z) == pytest.approx(log_z[-1])
        v = noise.normal(batch["seed"] + 1, 2)[:, 0]
        log_z.append(0.95 * log_z[-1] + 0.05 * math.log(sum(map(math.exp, v.tolist())) / B))
        terms = objective("G", batch)
        assert float(objective.log_z) == pytest.approx(log_z[-1], abs=1e-6)
        assert terms["adversarial"].tolist() == pytest.approx([(x - log_z[-1]) ** 2 / 2 for x in v.tolist()], abs=1e-5)
    assert all(a != b for a, b in pairwise(log_z)) and "log_z" in objective.state_dict()
    assert not objective.log_z.requires_grad


def test_without_a_memory_the_boundary_is_where_d_cannot_decide():
    objective = BoundarySeekingGan(Said(lambda model, x: x[:, 0]), criterion="non_saturating")
    batch = points()
    v = noise.normal(batch["seed"] + 1, 2)[:, 0]
    torch.testing.assert_close(objective("G", batch)["adversarial"], v**2 / 2)
    assert not objective.log_z
