"""The games whose discriminators see something else than one image: autoencoders, pairs, two domains, a pyramid."""

import math

import pytest
import torch

from videogen.models.autoencoder_gan import AutoencoderGan
from videogen.models.bigan import BiGan
from videogen.models.cogan import CoGan
from videogen.models.lapgan import LapGan, down, up
from videogen.objectives.bigan import BiGan as BiGanGame
from videogen.objectives.cogan import CoGan as CoGanGame
from videogen.objectives.cogan import edges
from videogen.objectives.energy_gan import BalancedGan, EnergyGan
from videogen.objectives.lapgan import LapGan as LapGanGame

B, SIZES = 4, {"channels": 1, "size": 8, "classes": 10, "width": 4}


def batch() -> dict[str, torch.Tensor]:
    image = torch.randn((B, 1, 8, 8), generator=torch.Generator().manual_seed(0)).tanh()
    return {
        "image": image,
        "label": torch.arange(B),
        "labelled": torch.ones(B, dtype=torch.bool),
        "seed": torch.arange(B) * 100,
    }


def reached(objective, player) -> set[str]:
    """The submodules that the player's terms send a gradient to."""
    objective.zero_grad(set_to_none=True)
    sum(term.sum() for term in objective(player, batch()).values() if term.requires_grad).backward()
    return {name.split(".")[0] for name, p in objective.model.named_parameters() if p.grad is not None}


def build(kind, **changes):
    torch.manual_seed(0)
    return kind(**(SIZES | changes))


def test_an_energy_and_its_margin_by_hand():
    objective, given = EnergyGan(build(AutoencoderGan, z=6), margin=0.7), batch()
    x = given["image"]
    energy = (objective.model.D(x)[0] - x).square().mean((1, 2, 3))
    terms = objective("D", given)
    torch.testing.assert_close(terms["real"], energy)
    made = objective.made(given, 0)
    torch.testing.assert_close(terms["fake"], (0.7 - (objective.model.D(made)[0] - made).square().mean((1, 2, 3))).relu())


def test_pull_away_by_hand():
    objective = EnergyGan(build(AutoencoderGan, z=6), margin=0.7)
    codes = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]])
    objective.energy = lambda x: (torch.zeros(3), codes)  # type: ignore[method-assign]
    assert objective("G", batch())["pull_away"].tolist() == pytest.approx([0.25, 0.25, 0.5])


def test_the_balance_of_began_by_hand():
    objective, given = BalancedGan(build(AutoencoderGan, z=6), gamma=0.5, step=0.1), batch()
    objective.k.fill_(0.3)
    x, made = given["image"], objective.made(given, 0)
    real, fake = ((objective.model.D(v)[0] - v).abs().mean((1, 2, 3)) for v in (x, made))
    terms = objective("D", given)
    torch.testing.assert_close(terms["real"], real)
    torch.testing.assert_close(terms["fake"], -0.3 * fake)
    balance = (0.5 * real - fake).mean().item()
    assert objective.k.item() == pytest.approx(min(max(0.3 + 0.1 * balance, 0), 1), abs=1e-6)
    torch.testing.assert_close(terms["convergence"], real + abs(balance))
    assert not terms["convergence"].requires_grad and "k" in dict(objective.named_buffers())
    made = objective.made(given, 1)
    x_hat, code = objective.model.D(made)
    g = objective("G", given)
    torch.testing.assert_close(g["error"], (x_hat - made).abs().mean((1, 2, 3)))
    torch.testing.assert_close(g["pull_away"], objective.pull_away(code))


@pytest.mark.parametrize("game", [lambda m: EnergyGan(m, 0.7), BalancedGan])
def test_an_autoencoder_s_players_learn_apart(game):
    objective = game(build(AutoencoderGan, z=6))
    assert reached(objective, "D") == {"D"} and reached(objective, "G") == {"G", "D"}


@pytest.mark.parametrize("stochastic", [False, True])
def test_bigan_tells_pairs_apart(stochastic):
    objective = BiGanGame(build(BiGan, z=3, stochastic=stochastic))
    assert reached(objective, "D") == {"D"} and reached(objective, "GE") == {"G", "E", "D"}
    objective.model.pair = lambda x, z: torch.full((B,), 2.0)  # type: ignore[method-assign]
    real, fake = math.log1p(math.exp(-2)), math.log1p(math.exp(2))
    d, ge = objective("D", batch()), objective("GE", batch())
    assert d["real"][0].item() == pytest.approx(real) and d["fake"][0].item() == pytest.approx(fake)
    assert ge["generated"][0].item() == pytest.approx(real) and ge["inferred"][0].item() == pytest.approx(fake)


def test_ali_draws_its_code_and_bigan_does_not():
    x, eps = batch()["image"], torch.ones(B, 3)
    for stochastic in (False, True):
        model = build(BiGan, z=3, stochastic=stochastic).eval()
        assert torch.equal(model.encode(x, eps), model.encode(x, -eps)) is not stochastic


def test_cogan_shares_what_is_shown_and_sees_edges():
    objective = CoGanGame(build(CoGan, z=3))
    assert reached(objective, "D") == {"D", "D_1", "D_2"} and reached(objective, "G") == {
        "G",
        "G_1",
        "G_2",
        "D",
        "D_1",
        "D_2",
    }
    square = torch.full((1, 1, 8, 8), -1.0)
    square[..., 3:5, 3:5] = 1.0
    found = edges(square)
    assert found[0, 0, 2, 2] == 1 and found[0, 0, 3, 3] == -1 and found[0, 0, 0, 0] == -1
    model = objective.model.eval()
    eps = torch.randn(B, 3)
    assert torch.equal(model.sample(torch.zeros(B).long(), eps), model.both(eps)[0])


def test_lapgan_s_pyramid_is_the_image():
    model = build(LapGan, z=3, size=16).eval()
    x = torch.randn((B, 1, 16, 16), generator=torch.Generator().manual_seed(0))
    levels = model.pyramid(x)
    assert [tuple(part.shape[2:]) for part, _ in levels] == [(16, 16), (8, 8), (4, 4)]
    rebuilt = levels[-1][0]
    for residual, blurred in reversed(levels[:-1]):
        torch.testing.assert_close(up(rebuilt), blurred)
        rebuilt = up(rebuilt) + residual
    torch.testing.assert_close(rebuilt, x)
    torch.testing.assert_close(levels[1][0] + levels[1][1], down(x))
    with pytest.raises(ValueError, match="doubled at least once, got 12"):
        build(LapGan, z=3, size=12)


def test_lapgan_s_levels_are_games_of_their_own():
    objective = LapGanGame(build(LapGan, z=3))
    assert objective.model.levels == 2
    for level in (0, 1):
        assert reached(objective, f"D_{level}") == {f"D_{level}"}
        assert reached(objective, f"G_{level}") == {f"G_{level}", f"D_{level}"}


@pytest.mark.parametrize(
    "model",
    [build(AutoencoderGan, z=6), build(BiGan, z=3), build(CoGan, z=3), build(LapGan, z=3)],
    ids=lambda m: type(m).__name__,
)
def test_a_sample_is_a_function_of_its_noise(model):
    model.eval()
    eps, y = torch.randn((B, model.z), generator=torch.Generator().manual_seed(0)), torch.zeros(B, dtype=torch.int64)
    x = model.sample(y, eps)
    assert x.shape == (B, 1, 8, 8) and not model.labelled
    torch.testing.assert_close(model.sample(y[:1], eps[1:2]), x[1:2], atol=1e-5, rtol=1e-5)
