import pytest
import torch

from videogen.models.deep_rotator import DeepRotator
from videogen.objectives.rotation import Rotation, silhouette


def objective(**settings) -> Rotation:
    torch.manual_seed(0)
    return Rotation(DeepRotator(3, 16, 1, 2, [1, -1], width=4, dropout=0.0), **settings)


def batch(t: int = 3) -> dict[str, torch.Tensor]:
    x = torch.rand(2, t, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return {"video": x, "action": torch.tensor([0, 1]), "seed": torch.tensor([3, 4])}


def test_half_the_squared_error_of_image_and_silhouette():
    held, given = objective(), batch()
    x, terms = given["video"], held("rotator", given)
    views = held.model(x[:, 0], held.model.turn_of(given["action"]), 2)
    image = (((views.image + 1) / 2 - (x[:, 1:] + 1) / 2) ** 2).sum((1, 2, 3, 4)) / 2
    mask = ((views.mask - silhouette(x[:, 1:])) ** 2).sum((1, 2, 3, 4)) / 2
    torch.testing.assert_close(terms, {"image": image, "mask": mask})


def test_the_silhouette_is_what_is_not_black():
    x = torch.full((1, 1, 3, 2, 2), -1.0)
    x[0, 0, 1, 0, 1] = -0.9
    assert silhouette(x).flatten().tolist() == [0, 1, 0, 0]


def test_what_stays_is_to_look_as_it_did():
    held, given = objective(still=1.0), batch()
    views = held.model(given["video"][:, 0], held.model.turn_of(given["action"], torch.ones(2, dtype=torch.bool)), 2)
    image = ((views.image - given["video"][:, :1]) ** 2).sum((1, 2, 3, 4)) / 8
    torch.testing.assert_close(held("rotator", given)["image"], image)
    with pytest.raises(ValueError, match="share"):
        objective(still=1.5)
