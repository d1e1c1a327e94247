"""The drawn chairs: the same every time, all different, turning as their azimuths say, in the archive's layout."""

import numpy as np
import pytest
from PIL import Image

from videogen.data import cad_chairs
from videogen.data.cad_chairs import MANIFEST, Studio, chair_id, write_chairs
from videogen.data.cad_chairs_design import KINDS, design
from videogen.data.cad_chairs_frame import Chair
from videogen.data.cad_chairs_parts import box, outline, pipe, plate, sheet
from videogen.data.chair_layout import view_names
from videogen.data.clips import Clips
from videogen.data.turntables import CadChairs
from videogen.errors import UserError


@pytest.fixture(scope="module")
def studio():
    opened = Studio(48)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Three small chairs."""
    folder = tmp_path_factory.mktemp("chairs")
    write_chairs(folder, chairs=3, size=32, seed=5)
    return folder


def volume(solid):
    """By the divergence theorem: right only for a closed skin whose triangles all face outwards."""
    a, b, c = solid.points[solid.triangles].swapaxes(0, 1)
    return (a * np.cross(b, c)).sum() / 6


def test_solids_are_closed_and_face_outwards():
    assert volume(box(2, 3, 4)) == pytest.approx(24)
    assert volume(box(2, 3, 4).turned("x", 30).moved(1, 2, 3)) == pytest.approx(24)
    disc = plate(outline(2, 2, 1.0, count=400), 0.5, 0.0)
    assert volume(disc) == pytest.approx(np.pi * 0.5, rel=1e-3)
    assert volume(pipe([(0, 0, 0), (0, 0, 1), (0, 0, 3)], 1.0, 400)) == pytest.approx(3 * np.pi, rel=1e-3)
    flat = np.stack(np.meshgrid([0.0, 1, 2], [0.0, 3], [0.0], indexing="ij"), -1)[:, :, 0]
    assert volume(sheet(flat, 0.1)) == pytest.approx(0.6)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_chair(kind):
    for seed in range(20):
        chair = Chair([])
        kind(chair, np.random.default_rng(seed))
        points = np.concatenate([solid.points for solid, _ in chair.parts])
        assert np.isfinite(points).all()
        low, high = points.min(0), points.max(0)
        assert -0.05 < low[2] < 0.05, "it stands on the floor"
        assert 0.55 < high[2] < 1.4 and 0.3 < high[0] - low[0] < 1.1 and 0.35 < high[1] - low[1] < 1.3
        assert abs(low[0] + high[0]) < 0.12, "left and right are much alike"
        assert points[points[:, 2] > 0.95 * high[2], 1].mean() > 0.1, "the back is at the back"
        assert all(0 <= value <= 255 for _, colour in chair.parts for value in colour)


def test_chairs_differ_and_are_functions_of_their_lots():
    def corner(seed):
        parts = design(np.random.default_rng(seed)).parts
        return len(parts), *np.concatenate([solid.points for solid, _ in parts]).sum(0).round(6), parts[0][1]

    assert len({corner(seed) for seed in range(60)}) == 60
    assert corner(3) == corner(3)


def test_azimuth_rises_and_the_near_side_moves_to_the_left(studio):
    post = Chair([(box(0.1, 0.1, 1.0).moved(y=-1.0), (200, 0, 0)), (box(0.1, 0.1, 1.0).moved(y=1.0), (0, 0, 200))])
    studio.place(post)
    before, after = (studio.shoot(azimuth, 20).astype(int) for azimuth in (0.0, 30.0))
    assert before.shape == (48, 48, 3) and (before[0] == 255).all() and (before[:, 0] == 255).all()

    def column(pixels, channel):
        return np.flatnonzero((pixels[..., 2 - channel] < 120) & (pixels[..., channel] > 40)) % 48

    assert abs(column(before, 0).mean() - 23.5) < 1, "the red post, in front, is in the middle"
    assert column(after, 0).mean() < 18 and column(after, 2).mean() > 29


def test_a_chair_is_taken_away_before_the_next(studio):
    first, second = (design(np.random.default_rng(seed)) for seed in (0, 1))
    studio.place(first)
    alone = studio.shoot(40, 30)
    studio.place(second)
    assert np.abs(studio.shoot(40, 30).astype(int) - alone).mean() > 1
    studio.place(first)
    assert np.array_equal(studio.shoot(40, 30), alone)


def test_the_archives_layout(root):
    names = [chair_id(5, number) for number in range(3)]
    assert all(len(name) == 32 and int(name, 16) >= 0 for name in names) and len(set(names)) == 3
    assert {path.name for path in root.iterdir()} == {*names, "all_chair_names.mat", "reduced_set1.mat", MANIFEST}
    pictures = []
    for name in names:
        assert sorted(path.name for path in (root / name / "renders").iterdir()) == view_names()
        pictures.append(np.asarray(Image.open(root / name / "renders" / view_names()[3])))
        assert pictures[-1].shape == (32, 32, 3)
        assert (pictures[-1][[0, -1]] == 255).all() and (pictures[-1][:, [0, -1]] == 255).all()
        assert (pictures[-1] < 250).any(-1).mean() > 0.05
    assert not np.array_equal(pictures[0], pictures[1])


def test_the_very_same_loader_reads_it(root, tmp_path):
    source = CadChairs(str(root), chairs=3, train=2, size=32, seed=5)
    clips = Clips(
        source, size=24, frames=16, stride=1, mirror=False, crop="union", cache=True, cache_dir=str(tmp_path / "cache")
    )
    assert clips.skipped == [] and clips.notes == []
    assert [len(clips.split(name, 0)) for name in ("train", "test", "unseen")] == [8, 4, 0]
    assert {row.path for row in clips.split("train", 0).rows} == {chair_id(5, 0), chair_id(5, 1)}
    array = np.load(clips.folder / clips.index[0].cached)
    assert array.shape == (62, 24, 24, 3) and array[:, [0, 0, -1, -1], [0, -1, 0, -1]].max() == 0 and array.max() > 100


def test_an_interrupted_call_resumes_and_other_settings_draw_anew(root, tmp_path, monkeypatch):
    drawn = []

    def draw(folder, todo, size, seed, workers):
        drawn.append((todo, size))
        for number in todo:
            for file in view_names():
                place = folder / chair_id(seed, number) / "renders" / file
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(b"x")

    monkeypatch.setattr(cad_chairs, "_draw", draw)
    write_chairs(root, chairs=3, size=32, seed=5)
    assert drawn == [], "all is there"
    write_chairs(tmp_path, chairs=4, size=16)
    (tmp_path / chair_id(0, 2) / "renders" / view_names()[9]).unlink()
    (tmp_path / "all_chair_names.mat").unlink()
    write_chairs(tmp_path, chairs=4, size=16)
    write_chairs(tmp_path, chairs=2, size=16)
    folders = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert folders == {chair_id(0, 0), chair_id(0, 1)}, "fewer chairs: those that are left stay"
    write_chairs(tmp_path, chairs=3, size=16)
    write_chairs(tmp_path, chairs=2, size=20)
    assert drawn == [([0, 1, 2, 3], 16), ([2], 16), ([2], 16), ([0, 1], 20)]
    assert (tmp_path / "all_chair_names.mat").is_file()


def test_a_chair_is_there_whole_or_not_at_all(studio, tmp_path, monkeypatch):
    real, shots = studio.shoot, iter(range(100))

    def shoot(azimuth, elevation):
        if next(shots) == 5:
            raise OSError(28, "No space left on device")
        return real(azimuth, elevation)

    with monkeypatch.context() as full:
        full.setattr(studio, "shoot", shoot)
        with pytest.raises(OSError, match="No space left"):
            cad_chairs.write_chair(studio, tmp_path, 0, 0)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / f".{chair_id(0, 0)}.1.part").mkdir()  # of a process that was killed
    cad_chairs.write_chair(studio, tmp_path, 0, 0)
    assert [path.name for path in tmp_path.iterdir()] == [chair_id(0, 0)]


def test_where_vtk_ends_its_process(tmp_path, monkeypatch):
    monkeypatch.setattr(cad_chairs, "_write", _end)
    with pytest.raises(UserError, match=r"VTK, which draws the chairs, has crashed: [^\n]*libegl1"):
        write_chairs(tmp_path, chairs=1, size=16, workers=1)


def _end(root, number, seed):
    import os

    os._exit(1)


@pytest.mark.parametrize(
    ("options", "told"), [({"chairs": 0}, "data.chairs is 0"), ({"size": 2}, "data.picture_size is 2")]
)
def test_mistakes_are_named(tmp_path, options, told):
    with pytest.raises(UserError, match=told):
        write_chairs(tmp_path, **options)
