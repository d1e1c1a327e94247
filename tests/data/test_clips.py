import itertools

import numpy as np
import pytest
import torch
from data.films import SHARED, film
from torch.utils.data import DataLoader

from videogen.data.actors import draw_clip, write_actors
from videogen.data.clips import Clips, PositionSampler
from videogen.data.sources import Actors, Strips, Weizmann
from videogen.errors import UserError

ACTIONS = {"0": "wave1", "1": "wave2", "3": "jack", "4": "bend"}


def of_strips(root, cache_dir, **options):
    settings = {"size": 16, "frames": 5, "stride": 2, "mirror": True, "crop": "none", "cache": True} | options
    return Clips(Strips(str(root), ACTIONS), cache_dir=str(cache_dir), **settings)


@pytest.fixture(scope="module")
def clips(strips, tmp_path_factory):
    return of_strips(strips, tmp_path_factory.mktemp("cache"))


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_what_an_item_is(clips):
    item = clips.split("train", 0)[0]
    assert item["video"].shape == (5, 3, 16, 16) and item["video"].dtype == torch.uint8 and item["video"].is_contiguous()
    assert all(item[key].dtype == torch.int64 and item[key].shape == () for key in ("identity", "action", "seed"))
    assert item["labelled"].dtype == torch.bool and bool(item["labelled"])
    assert clips.identities == ["person_0", "person_1"] and clips.actions == ["wave1", "wave2"]
    assert len(clips.split("train", 0)) == len(clips.split("test", 0)) == 4 and len(clips.split("unseen", 0)) == 0


def test_a_position_is_a_pure_function_of_seed_and_position(clips, strips, tmp_path):
    positions = [0, 7, 3, 10**9, 2, 7]
    first = {p: clips.split("train", 5)[p] for p in positions}
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    other = of_strips(strips, tmp_path).split("train", 5)
    assert all(equal(other[p], first[p]) for p in reversed(positions))
    assert not all(equal(clips.split("train", 6)[p], first[p]) for p in positions)


def test_every_epoch_shows_every_row_once_and_draws_anew(clips):
    split = clips.split("train", 0)
    epochs = [[split[p] for p in range(4 * e, 4 * e + 4)] for e in range(6)]
    orders = [[(int(i["identity"]), int(i["action"])) for i in epoch] for epoch in epochs]
    assert all(sorted(order) == [(0, 0), (0, 1), (1, 0), (1, 1)] for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    seeds = [int(item["seed"]) for epoch in epochs for item in epoch]
    assert len(set(seeds)) == len(seeds) and all(0 <= seed < 2**63 for seed in seeds)


def test_labels_are_kept_from_training_for_a_share_of_the_clips(strips, tmp_path):
    shares = [of_strips(strips, tmp_path, labelled_share=share).split("train", 0) for share in (0.25, 0.5, 1.0)]
    known = [{int(k) for k in range(4) if k in split.labelled} for split in shares]
    assert [len(k) for k in known] == [1, 2, 4] and known[0] < known[1] < known[2]
    names = [(shares[1].rows[k].identity, shares[1].rows[k].action) for k in known[1]]
    assert len({i for i, _ in names}) == len({a for _, a in names}) == 2  # every name once, while the share allows it
    items = [shares[1][p] for p in range(4)]
    assert sorted(bool(item["labelled"]) for item in items) == [False, False, True, True]
    with pytest.raises(UserError, match=r"data\.labelled_share is 0"):
        of_strips(strips, tmp_path, labelled_share=0)


def test_stride_mirror_and_the_frames_of_a_split(clips):
    for name, low, high in (("train", 0, 32), ("test", 32, 48)):
        split = clips.split(name, 0)
        row = split.rows[0]
        assert (row.start, row.stop) == (low, high)
        array = np.load(clips.folder / row.cached)
        for start in (low, high - clips.span):
            video = split.window(0, start)["video"]
            assert np.array_equal(video, array[start : start + 9 : 2].transpose(0, 3, 1, 2))
            assert torch.equal(split.window(0, start, mirror=True)["video"], video.flip(-1))
        for start in (low - 1, high - clips.span + 1):
            with pytest.raises(IndexError):
                split.window(0, start)
    assert list(range(9))[::2] == [0, 2, 4, 6, 8] and clips.span == 9


def test_starts_and_mirrors_vary(clips, strips, tmp_path):
    split, straight = clips.split("train", 0), of_strips(strips, tmp_path, mirror=False).split("train", 0)
    sideways = [p for p in range(200) if split[p]["action"] == 0]  # the other action is its own mirror image
    same = [torch.equal(split[p]["video"], straight[p]["video"]) for p in sideways]
    assert 25 < sum(same) < 75, "half are mirrored, and the rest is as without mirrors"
    assert len({split[p]["video"].numpy().tobytes() for p in range(100)}) > 20


def test_half_of_the_clips_that_train_run_backwards_where_no_one_would_tell(clips, strips, tmp_path):
    """And what is judged runs as it was filmed."""
    one_way = clips.actions[0]
    split = of_strips(strips, tmp_path, backwards=True, directional=[one_way]).split("train", 0)
    forward = clips.split("train", 0)
    turned = {0: [], 1: []}
    for position in range(200):
        item, as_filmed = split[position], forward[position]
        backwards = torch.equal(item["video"], as_filmed["video"].flip(0))
        assert backwards or torch.equal(item["video"], as_filmed["video"])
        assert bool(item["backwards"]) == backwards and not as_filmed["backwards"]
        turned[int(item["action"])].append(backwards)
    assert not any(turned[0]) and 25 < sum(turned[1]) < 75
    assert all(torch.equal(split.window(*w)["video"], forward.window(*w)["video"]) for w in split.windows(2, 0))


def test_windows_are_even_and_as_many_in_every_row(clips):
    split = clips.split("test", 0)
    windows = split.windows(4, seed=0)
    assert [start for number, start, _ in windows if number == 0] == [32, 34, 37, 39]
    assert [sum(number == n for number, _, _ in windows) for n in range(4)] == [4] * 4
    assert len({window[:2] for window in split.windows(100, 0)}) == 4 * 8, "all there are"
    assert split.windows(4, 0) == windows and sum(mirror for _, _, mirror in windows) == 8, "half are mirrored"
    assert all(split.window(*window)["video"].shape[0] == 5 for window in windows)


def test_one_rank_or_several_see_the_same_global_batches(clips):
    split = clips.split("train", 0)
    whole = list(itertools.islice(PositionSampler(6), 4))
    assert whole == [list(range(s, s + 6)) for s in (0, 6, 12, 18)]
    for ranks in (2, 3):
        shares = [list(itertools.islice(PositionSampler(6, rank, ranks), 4)) for rank in range(ranks)]
        assert [list(itertools.chain(*parts)) for parts in zip(*shares, strict=True)] == whole
    assert next(iter(PositionSampler(6, 1, 2, first_step=3))) == [21, 22, 23]
    for workers in (0, 2):
        batch = next(iter(DataLoader(split, batch_sampler=PositionSampler(6, 1, 2, 3), num_workers=workers)))
        assert torch.equal(batch["video"], torch.stack([split[p]["video"] for p in (21, 22, 23)]))
    with pytest.raises(UserError, match="5 cannot be shared by 2"):
        PositionSampler(5, 0, 2)


def test_unseen_pairs_never_train(strips, tmp_path):
    clips = of_strips(strips, tmp_path, unseen_pairs="latin")
    hidden = {("person_0", "wave1"), ("person_1", "wave2")}
    assert set(clips.split("unseen", 0).counts()) == hidden
    assert not hidden & {*clips.split("train", 0).counts(), *clips.split("test", 0).counts()}
    assert [row.stop for row in clips.split("unseen", 0).rows] == [48, 48]
    clips = of_strips(strips, tmp_path, unseen_pairs=[["person_1", "wave1"]])
    assert set(clips.split("unseen", 0).counts()) == {("person_1", "wave1")}


def test_selection_orders_the_labels(strips, tmp_path):
    clips = of_strips(strips, tmp_path, identities="person_1", actions=["wave2", "wave1"])
    assert clips.identities == ["person_1"] and clips.actions == ["wave2", "wave1"]
    rows = clips.split("train", 0)
    label = {row.action: int(rows.window(i, 0)["action"]) for i, row in enumerate(rows.rows)}
    assert label == {"wave2": 0, "wave1": 1}


def test_short_videos(strips, tmp_path):
    clips = of_strips(strips, tmp_path, frames=20)
    assert len(clips.split("train", 0)) == 4 and len(clips.split("test", 0)) == 0 and len(clips.notes) == 4
    assert clips.split("test", 0).windows(3, 0) == []
    with pytest.raises(UserError, match="the test split has no clips"):
        clips.split("test", 0)[0]
    with pytest.raises(UserError, match=r"none of 4 videos.*48 frames, but a clip spans 49; lower data\.frames"):
        of_strips(strips, tmp_path, frames=25)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"size": 0}, r"data\.size is 0"),
        ({"stride": 0}, r"data\.stride is 0"),
        ({"crop": "middle"}, "person, centre, union, none"),
        ({"identities": ["person_7"]}, "'person_7'.*person_0, person_1"),
        ({"actions": ["swim"]}, "'swim'.*wave1, wave2"),
        ({"unseen_pairs": [["person_0", "swim"]]}, "'swim'"),
    ],
)
def test_mistakes_are_named(strips, tmp_path, options, told):
    with pytest.raises(UserError, match=told):
        of_strips(strips, tmp_path, **options)
    with pytest.raises(UserError, match="no split 'valid'"):
        of_strips(strips, tmp_path).split("valid", 0)


def test_no_videos(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(UserError, match=r"no videos in it; set data\.root"):
        of_strips(tmp_path / "in", tmp_path / "cache")


@pytest.mark.parametrize("b_frames", [0, 2])
def test_without_a_cache_the_batches_are_the_same(tmp_path, b_frames):
    for name in ("ada_run1", "ada_wave12", "ben_run"):
        film(tmp_path / "in" / f"{name}.avi", 40, b_frames=b_frames, speed=2)
    settings = {"size": 16, "frames": 4, "stride": 3, "mirror": True, "crop": "person"}
    cached, decoded = (
        Clips(Weizmann(str(tmp_path / "in")), cache=cache, cache_dir=str(tmp_path / str(cache)), **settings).split(
            "train", 1
        )
        for cache in (True, False)
    )
    assert not list((tmp_path / "False").rglob("*.npy"))
    assert len(cached) == 3 and all(equal(cached[p], decoded[p]) for p in range(12))
    sampler = PositionSampler(4)
    batches = [next(iter(DataLoader(split, batch_sampler=sampler, num_workers=2))) for split in (cached, decoded)]
    assert equal(*batches)


def test_names_without_a_usable_video_are_no_classes(strips, tmp_path):
    bad = tmp_path / "in" / "3" / "00000080.png"
    bad.parent.mkdir(parents=True)
    bad.write_text("no picture")
    for folder in ("0", "1"):
        (tmp_path / "in" / folder).symlink_to(strips / folder)
    (tmp_path / "in" / "0").unlink()
    (tmp_path / "in" / "0").mkdir()
    for file in (strips / "0").iterdir():
        (tmp_path / "in" / "0" / file.name).write_bytes(file.read_bytes())
    clips = of_strips(tmp_path / "in", tmp_path / "cache")
    assert "jack" not in clips.actions and "person_10" not in clips.identities
    assert [path for path, _ in clips.skipped] == ["3/00000080.png"]


@pytest.mark.skipif(not (SHARED / "weizmann_strips").is_dir(), reason="../shared/data/weizmann_strips is not here")
def test_real_strips(tmp_path):
    clips = of_strips(SHARED / "weizmann_strips", tmp_path, size=64, frames=10, unseen_pairs="latin")
    assert len(clips.identities) == 9 and clips.actions == ["bend", "jack", "wave1", "wave2"] and clips.skipped == []
    assert [len(clips.split(name, 0)) for name in ("train", "test", "unseen")] == [27, 27, 9]
    whole = {row.path: row.frames for row in clips.index}
    assert len(whole) == 36 and min(whole.values()) == 51 and max(whole.values()) == 146


class Few(Actors):
    """Of the drawn people, those that are there."""

    videos = Weizmann.videos


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn")
    write_actors(root, performances=2, frames=16, workers=1, identities=("ada", "ben"), actions=("walk", "wave1"))
    settings = {"size": 48, "frames": 4, "stride": 1, "mirror": True, "crop": "centre", "cache": True}
    return Clips(Few(str(root), performances=2, frames=16), cache_dir=str(root / "cache"), **settings)


def test_a_clip_redrawn_by_its_own_person_is_the_clip(drawn):
    split = drawn.split("test", 0)
    assert drawn.drawn and len(split) == 8
    for number, start, mirror in split.windows(2, 0):
        there = split.window(number, start, mirror)
        assert equal(split.redrawn(number, start, mirror, by=int(there["identity"])), there)


def test_a_clip_redrawn_by_another_has_their_looks_and_its_motion(drawn):
    split = drawn.split("test", 0)
    walks = [k for k, row in enumerate(split.rows) if (row.identity, row.action) == ("ada", "walk")]
    for number in walks:
        own, by = (split.redrawn(number, split.rows[number].start, by=who) for who in (0, 1))
        assert (int(by["identity"]), int(by["action"])) == (1, int(own["action"]))
        room = split.window(next(k for k, row in enumerate(split.rows) if row.identity == "ben"), 11)["video"]
        near, far = ((by["video"][..., :6].float() - of[..., :6].float()).abs().mean() for of in (room, own["video"]))
        assert near < 8 < far  # ben's wall, under the light of ada's clip
        change = [clip["video"].float().diff(dim=0).square().mean((1, 2)) for clip in (own, by)]
        column = [(change @ torch.arange(48.0)) / change.sum(1) for change in change]
        assert (column[0] - column[1]).abs().max() < 3  # pixels of 48: where a walker is


def test_a_clip_redrawn_without_another_is_a_performance_that_is_in_no_file(drawn):
    split = drawn.split("test", 0)
    row, anew = split.rows[1], split.redrawn(1, split.rows[1].start)
    assert (row.path, int(anew["identity"])) == ("ada_walk2.avi", 0)
    pictures = draw_clip("ada", "walk", 3, frames=16)[row.start : row.start + 4]  # of two there are, the second's
    error = anew["video"].float() - torch.from_numpy(pictures[:, ::3, 18:162:3]).permute(0, 3, 1, 2)
    assert error.abs().mean() < 8 < (anew["video"].float() - split.window(1, row.start)["video"]).abs().mean()


def test_films_cannot_be_redrawn(clips):
    assert not clips.drawn
