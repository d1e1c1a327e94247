"""The figures of a latent space, on runs that are written here rather than trained."""

import pytest
import torch
from PIL import Image

from videogen.errors import UserError
from videogen.files import write_tensors
from videogen.generation import figures
from videogen.models.dcgan import DcGan
from videogen.models.image_vae import ImageVae

DATA = {
    "classes": [str(k) for k in range(10)],
    "images": {
        "_target_": "videogen.data.images.Images",
        "source": {"_target_": "videogen.data.image_sources.Digits"},
        "size": 8,
        "channels": 1,
    },
}


def run_of(folder, kind: type, **settings) -> str:
    torch.manual_seed(0)
    settings = {"channels": 1, "size": 8, "classes": 10, "width": 4, **settings}
    name = f"{kind.__module__}.{kind.__name__}"
    described = {"config": {"model": {"_target_": name, **settings}, "data": DATA}, "step": 0, "seconds": 0.0}
    write_tensors(folder / "model.safetensors", dict(kind(**settings).state_dict()), described)
    return str(folder)


@pytest.mark.parametrize(
    "figure, settings, size",
    [
        (figures.manifold, {"side": 3}, (3 * 32 + 4, 3 * 32 + 4)),
        (figures.nearest, {"count": 5}, None),
        (figures.interpolation, {"pairs": 2, "steps": 4}, None),
        (figures.arithmetic, {"terms": ["3", "1", "7"]}, None),
        (figures.traversal, {"dimensions": 2, "steps": 4}, None),
    ],
)
def test_a_figure_of_a_vae(tmp_path, figure, settings, size):
    run = run_of(tmp_path, ImageVae, z=2)
    lines = figure(run, tmp_path / "figure", **settings)
    assert lines[-1] == f"picture: {tmp_path / 'figure.png'}"
    picture = Image.open(tmp_path / "figure.png")
    assert size is None or picture.size == size
    again = figure(run, tmp_path / "again", **settings)
    assert again[:-1] == lines[:-1]
    assert picture.tobytes() == Image.open(tmp_path / "again.png").tobytes()


def test_infogan_s_factors(tmp_path):
    run = run_of(tmp_path, DcGan, z=4, categories=3, continuous=1)
    assert figures.factors(run, tmp_path / "factors", columns=4)[0] == "3 categories, 1 numbers"


def test_a_sphere_keeps_the_length_and_ends_where_it_should():
    a, b = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 3.0])
    way = figures.spherical(a, b, torch.linspace(0, 1, 5))
    torch.testing.assert_close(way.norm(dim=1), torch.full((5,), 3.0))
    torch.testing.assert_close(way[[0, 2, 4]], torch.stack([a, (a + b) / 2**0.5, b]))
    torch.testing.assert_close(figures.spherical(a, a, torch.tensor([0.3])), a[None])


def test_a_figure_that_cannot_be_drawn_is_told(tmp_path):
    vae, gan = run_of(tmp_path / "vae", ImageVae, z=3), run_of(tmp_path / "gan", DcGan, z=4)
    for figure, run, settings, message in (
        (figures.manifold, vae, {}, "3 latent dimensions"),
        (figures.manifold, gan, {}, "DcGan, which has no encoder"),
        (figures.factors, gan, {}, "no code with a meaning"),
        (figures.arithmetic, vae, {"terms": ["3", "1"]}, "three classes"),
        (figures.arithmetic, vae, {"terms": ["3", "1", "x"]}, "not x: choose from 0, 1"),
    ):
        with pytest.raises(UserError, match=message):
            figure(run, tmp_path / "figure", **settings)
