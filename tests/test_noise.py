import pytest
import torch

from videogen.models.dropout import Dropout
from videogen.noise import drawn_for, filled, normal, seed_of


def test_a_seed_has_the_same_row_in_any_batch():
    seeds = torch.tensor([seed_of(0, "clip", i) for i in range(8)])
    batch = normal(seeds, 5, 3)
    assert batch.shape == (8, 5, 3)
    for i in range(8):
        assert torch.equal(normal(seeds[i : i + 1], 5, 3)[0], batch[i])
    assert torch.equal(normal(seeds.flip(0), 5, 3).flip(0), batch)


def test_noise_neither_reads_nor_moves_the_global_generator():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = normal(torch.tensor([3, 4]), 6)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(normal(torch.tensor([3, 4]), 6), first)
    assert not torch.equal(first[0], first[1])


def test_noise_is_standard_normal():
    draws = normal(torch.arange(50), 400)
    assert abs(draws.mean()) < 0.03
    assert abs(draws.std() - 1) < 0.03


def test_seeds_are_the_same_on_every_machine_and_in_every_version():
    assert seed_of(0, "step", 7) == 5712503053122524263
    assert len({seed_of(0, "step", 7), seed_of(7, "step", 0), seed_of("0", "step", 7)}) == 3
    assert all(0 <= seed_of(i) < 2**63 for i in range(1000))
    assert len({seed_of(i, j) for i in range(40) for j in range(40)}) == 1600


def test_a_longer_draw_begins_with_the_shorter():
    seeds = torch.tensor([3, 4])
    for frames in (1, 3, 10):
        assert torch.equal(normal(seeds, 20, 17)[:, :frames], normal(seeds, frames, 17))


def test_what_a_layer_draws_belongs_to_the_samples():
    """Whatever else is in the batch, and however many rows each sample has."""
    seeds = torch.tensor([5, 9])
    x = torch.zeros(6, 8)  # three rows of each
    with drawn_for(seeds):
        first, second = filled(x, torch.Tensor.normal_), filled(x, torch.Tensor.normal_)
    with drawn_for(seeds[1:]):
        assert torch.equal(filled(x[3:], torch.Tensor.normal_), first[3:])
        assert torch.equal(filled(x[3:], torch.Tensor.normal_), second[3:])
    assert not torch.equal(first, second) and len(first.unique()) == first.numel()
    with drawn_for(seeds), pytest.raises(ValueError, match="not those of 2 samples"):
        filled(x[:5], torch.Tensor.normal_)
    torch.manual_seed(0)  # nobody's: the global generator draws
    assert not torch.equal(filled(x, torch.Tensor.normal_), filled(x, torch.Tensor.normal_))


def test_dropout_keeps_its_share_and_rests_in_evaluation():
    layer, x = Dropout(0.25), torch.ones(4, 5000)
    with drawn_for(torch.arange(4)):
        y = layer(x)
        maps = Dropout(0.5, whole=True)(torch.ones(4, 50, 3, 3))
    assert sorted(set(y.flatten().tolist())) == [0, pytest.approx(4 / 3)]
    assert (y == 0).float().mean() == pytest.approx(0.25, abs=0.02)
    assert torch.equal(maps.amin((2, 3)), maps.amax((2, 3))) and {0.0, 2.0} == set(maps.flatten().tolist())
    assert torch.equal(layer.eval()(x), x)
    with pytest.raises(ValueError, match="below 1"):
        Dropout(1.0)
