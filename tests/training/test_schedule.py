import math

from videogen.training.schedule import Ramp, WarmupCosine, value_at


def test_ramp_is_a_line_then_constant():
    ramp = Ramp(start=0.0, stop=2.0, steps=10)
    assert [ramp(step) for step in (0, 5, 10, 50)] == [0.0, 1.0, 2.0, 2.0]


def test_warmup_cosine_hits_its_corners():
    rate = WarmupCosine(steps=110, warmup=10, floor=0.1)
    assert rate(0) == 0.1 and rate(9) == 1.0 and rate(10) == 1.0
    assert math.isclose(rate(60), 0.1 + 0.9 * 0.5)
    assert math.isclose(rate(110), 0.1) and math.isclose(rate(10_000), 0.1)


def test_a_number_is_a_schedule():
    assert value_at(7, 3) == 3.0 and value_at(7, lambda step: step * 2.0) == 14.0
