"""Tiny real videos, made by PyAV: a bright square that walks over a still, patterned wall."""

from pathlib import Path

import av
import numpy as np

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data"


def frames_of(count: int, width: int = 60, height: int = 48, speed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(0)
    wall = np.kron(rng.integers(60, 190, (height // 4 + 1, width // 4 + 1, 3)), np.ones((4, 4, 1)))
    frames = np.repeat(wall[None, :height, :width].astype(np.uint8), count, 0)
    for t, frame in enumerate(frames):
        left = t * speed % (width - 8)
        frame[height // 3 : height // 3 + 16, left : left + 8] = (250, 240 - 3 * (t % 60), 20)
    return frames


def film(file: Path, count: int = 24, codec: str = "mpeg4", b_frames: int = 0, **looks: int) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    frames = frames_of(count, **looks)
    with av.open(str(file), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        stream.bit_rate, stream.codec_context.gop_size = 800_000, 12
        stream.codec_context.max_b_frames = b_frames
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return file
