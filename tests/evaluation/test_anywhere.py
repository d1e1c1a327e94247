"""Videos where nobody knows where they stand."""

import torch

from videogen import pixels
from videogen.evaluation.judging import Labelled
from videogen.evaluation.table import ANYWHERE, PLACES, anywhere


def test_every_video_stands_somewhere_else_each_time():
    shown = Labelled(torch.rand(3, 2, 1, 32, 32), torch.tensor([4, 5, 6]), torch.tensor([1, 2, 3]))
    often = anywhere(shown, seed=0)
    assert often.identity.tolist() == [4] * PLACES + [5] * PLACES + [6] * PLACES
    assert often.action.tolist() == [1] * PLACES + [2] * PLACES + [3] * PLACES
    reach = range(-ANYWHERE, ANYWHERE + 1)
    for k, video in enumerate(often.videos):
        own = shown.videos[k // PLACES]
        places = torch.tensor([(right, down) for right in reach for down in reach])
        there = pixels.moved(own.expand(len(places), *own.shape), places)
        assert (there - video).abs().flatten(1).amax(1).min() < 1e-4
    assert not torch.allclose(often.videos[0], often.videos[1], atol=1e-2)
    assert torch.equal(anywhere(shown, seed=0).videos, often.videos)
    assert not torch.equal(anywhere(shown, seed=1).videos, often.videos)
