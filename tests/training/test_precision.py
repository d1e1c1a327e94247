"""Which precision training takes on which hardware."""

import pytest
import torch

from videogen.errors import UserError
from videogen.training.precision import precision

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize("device, other", [(CPU, GPU), (GPU, CPU)])
@pytest.mark.parametrize("native", [True, False])
def test_auto_is_bf16_where_the_device_has_it(monkeypatch, device, other, native):
    has(monkeypatch, device, native)
    has(monkeypatch, other, not native)
    assert precision("auto", device) == ("bf16" if native else "no")


def test_a_processor_that_does_not_say_has_none(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    assert precision("auto", CPU) == precision("auto", torch.device("mps")) == "no"


def test_what_is_asked_for_is_done_and_told_where_it_is_slow(monkeypatch, caplog):
    has(monkeypatch, CPU, False)
    assert precision("no", CPU) == "no" and not caplog.records
    assert precision("bf16", CPU) == "bf16" and "auto is faster" in caplog.text


def test_an_unknown_one_is_named():
    with pytest.raises(UserError, match="precision is 'fp32': choose one of auto, no"):
        precision("fp32", CPU)


def has(monkeypatch, device, native):
    if device.type == "cpu":
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": native})
    else:
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)
