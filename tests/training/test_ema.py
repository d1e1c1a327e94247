import torch
from torch import nn

from videogen.training.ema import Ema


def test_average_by_hand_and_buffers_copied():
    model = nn.BatchNorm1d(1)
    ema = Ema(model, decay=0.5)
    with torch.no_grad():
        model.weight.fill_(3.0)
        model.running_mean.fill_(7.0)
    ema.update(model, step=1000)
    assert ema.model.weight.item() == 0.5 * 1.0 + 0.5 * 3.0
    assert ema.model.running_mean.item() == 7.0
    assert not ema.model.training and not ema.model.weight.requires_grad


def test_it_forgets_fast_at_the_start():
    model = nn.Linear(1, 1, bias=False)
    ema = Ema(model, decay=0.999)
    with torch.no_grad():
        ema.model.weight.fill_(0.0)
        model.weight.fill_(1.0)
    ema.update(model, step=0)
    assert torch.isclose(ema.model.weight, torch.tensor(0.9)).all()  # decay (1 + 0) / (10 + 0)
