import torch

from videogen.pixels import moved, panned, to_float, to_uint8


def test_every_value_comes_back():
    values = torch.arange(256, dtype=torch.uint8)
    x = to_float(values)
    assert x.dtype == torch.float32
    assert (x[0], x[-1]) == (-1, 1)
    assert torch.equal(to_uint8(x), values)


def test_what_is_out_of_range_is_clamped_and_half_a_step_rounds():
    assert to_uint8(torch.tensor([-3.0, -1.0, 1.0, 3.0])).tolist() == [0, 0, 255, 255]
    assert to_uint8(to_float(torch.tensor([10, 10], dtype=torch.uint8)) + torch.tensor([-0.4, 0.6]) / 127.5).tolist() == [
        10,
        11,
    ]


def test_half_precision_is_read_as_float():
    values = torch.arange(256, dtype=torch.uint8)
    assert (to_uint8(to_float(values).half()).int() - values.int()).abs().max() == 0


def test_the_input_is_left_alone():
    x = torch.tensor([0.5])
    to_uint8(x)
    assert x.item() == 0.5


def test_a_camera_that_pans_repeats_the_border():
    x = torch.rand(3, 2, 1, 4, 6)
    seen = panned(x, torch.tensor([0, 2, -1]))
    torch.testing.assert_close(seen[0], x[0])
    torch.testing.assert_close(seen[1, ..., 2:], x[1, ..., :-2])
    torch.testing.assert_close(seen[1, ..., :2], x[1, ..., :1].expand(-1, -1, -1, 2))
    torch.testing.assert_close(seen[2], torch.cat([x[2, ..., 1:], x[2, ..., -1:]], dim=-1))


def test_clips_are_moved_to_the_right_and_down():
    x = torch.rand(2, 2, 1, 4, 6)
    there = moved(x, torch.tensor([[2, 1], [0, -1]]))
    torch.testing.assert_close(there[0, ..., 1:, 2:], x[0, ..., :-1, :-2])
    torch.testing.assert_close(there[1], torch.cat([x[1, ..., 1:, :], x[1, ..., -1:, :]], dim=-2))
