import torch

from videogen.noise import normal, seed_of


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
