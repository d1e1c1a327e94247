import torch

from videogen.models.filmed import Filmed, Looks, Spots
from videogen.models.painted_decoder import Place

FIGURE = torch.zeros(2, 1, 32, 32)
FIGURE[:, :, 16:32, 12:20] = 1.0  # stands on the bottom, in the middle


def placed(own=(0.0, 0.0, 0.0, 0.0), spot=None):
    """Two frames of one clip."""
    place = Place(1)
    with torch.no_grad():
        place.own.bias.copy_(torch.tensor(own))
    return place(FIGURE, torch.zeros(1, 1), None if spot is None else torch.tensor(spot)[None])


def test_a_figure_begins_where_it_is_drawn():
    torch.testing.assert_close(placed(), FIGURE)


def test_each_frame_is_moved_by_its_spot_beside_what_is_the_persons_own():
    pixel = 2 / 32
    first, second = placed(spot=[[pixel, 0.0, 0.0, 0.0], [0.0, -2 * pixel, 0.0, 0.0]])
    torch.testing.assert_close(first[:, :, :-1], FIGURE[0, :, :, 1:], atol=1e-5, rtol=0)
    torch.testing.assert_close(second[:, 2:], FIGURE[0, :, :-2], atol=1e-5, rtol=0)
    assert not torch.allclose(placed(own=(0.2, 0.0, 0.0, 0.0)), FIGURE)


def test_whoever_is_larger_still_stands_on_the_bottom_and_in_the_middle():
    larger = placed(own=(0.0, 0.0, -0.5, -0.5))[0, 0] > 0.5
    assert larger[-1].any() and larger.sum() > 1.2 * FIGURE[0].sum()
    assert larger.sum(0).tolist() == larger.sum(0).flip(0).tolist()
    assert larger.any(1).sum() > 16 and larger.any(0).sum() > 8


def every(people=3, actions=3):
    pairs = torch.cartesian_prod(torch.arange(people), torch.arange(actions))
    return torch.eye(people)[pairs[:, 0]], torch.eye(actions)[pairs[:, 1]]


def test_what_was_filmed_is_what_training_saw_for_certain():
    filmed = Filmed(2, 2)
    filmed.see(torch.tensor([[1.0, 0.0], [0.6, 0.4]]), torch.tensor([[0.0, 1.0], [0.0, 1.0]]))
    assert filmed.pairs.tolist() == [[0, 1], [0, 0]]
    filmed.see(torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 0.0]]))
    assert filmed.pairs.tolist() == [[0, 1], [1, 0]]


def test_spots_are_what_neither_person_nor_action_has_and_none_where_nobody_filmed():
    torch.manual_seed(0)
    spots, filmed = Spots(3, 3), 1 - torch.eye(3)
    torch.nn.init.normal_(spots.offsets.weight, std=0.05)
    identity, action = every()
    table = spots(identity, action[:, None], filmed)[:, 0].unflatten(0, (3, 3))
    assert torch.equal(table.abs().sum(-1) > 0, filmed > 0) and torch.equal(table[..., 2], table[..., 3])
    for mean in (table.sum(0), table.sum(1)):
        torch.testing.assert_close(mean, torch.zeros(3, 4), atol=2e-3, rtol=0)
    assert not spots(identity, action[:, None], torch.zeros(3, 3)).any()


def test_between_two_actions_a_clip_stands_between_their_spots():
    torch.manual_seed(0)
    spots = Spots(2, 2)
    torch.nn.init.normal_(spots.offsets.weight, std=0.05)
    frames = torch.tensor([[[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]])  # an action that changes on the way
    begins, between, ends = spots(torch.tensor([[0.0, 1.0]]), frames, torch.ones(2, 2))[0]
    assert begins.any()
    torch.testing.assert_close(between, (begins + ends) / 2)


def test_in_a_pair_never_filmed_a_person_looks_as_in_most_others():
    looks, filmed = Looks(2, 4, 2, 5), torch.tensor([[1.0, 1, 1, 0], [0, 1, 1, 1]])
    with torch.no_grad():
        torch.nn.init.normal_(looks.looks.weight)
        one, other = (torch.eye(2)[k] for k in (0, 1))
        for pair, look in ((0, one), (1, other), (2, one), (3, other), (4, other), (5, other), (6, one), (7, other)):
            looks.worn.weight[pair] = 5 * look
    identity, action = every(2, 4)
    worn = looks(identity, action, filmed).unflatten(0, (2, 4))
    apart = looks.looks.weight.T.unflatten(0, (2, 2))
    embeddings = looks.common.weight.T[:, None] + apart - apart.mean(1, keepdim=True)
    for person, wears in enumerate(([0, 1, 0, 0], [1, 1, 0, 1])):
        torch.testing.assert_close(worn[person], embeddings[person, wears])


def test_looks_come_apart_where_clips_do():
    torch.manual_seed(0)
    looks, (identity, action), filmed = Looks(1, 3, 2, 4), every(1, 3), torch.ones(1, 3)
    clips = torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0]])  # the second on another day
    optimizer = torch.optim.Adam(looks.parameters(), lr=1e-2)
    for _ in range(400):
        optimizer.zero_grad()
        (looks(identity, action, filmed) - clips).square().sum().backward()
        optimizer.step()
    torch.testing.assert_close(looks(identity, action, filmed), clips, atol=0.05, rtol=0)
