"""Videos of these people doing those actions: MP4 and GIF each, a labelled sheet, and one animated grid of all."""

import itertools
from pathlib import Path

import hydra
import torch
from omegaconf import DictConfig
from tqdm import tqdm

from videogen.errors import one_line_errors
from videogen.generation.pictures import read_first_frame
from videogen.generation.writers import grid, sheet, write_gif, write_mp4, write_png
from videogen.runs import load_model


def generate(cfg: DictConfig) -> None:
    trained = load_model(cfg.run)
    trained.model.to(cfg.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    people = trained.identities if cfg.identity is None else list(cfg.identity)
    actions = trained.actions if cfg.action is None else list(cfg.action)
    asked = [(i, a) for i, a in itertools.product(people, actions) for _ in range(cfg.samples)]
    codes = trained.codes([i for i, _ in asked], [a for _, a in asked])
    given = None
    if cfg.first_frame is not None:
        data = trained.config["data"]
        given = read_first_frame(Path(cfg.first_frame), data["size"]).expand(len(codes), -1, -1, -1)
    videos = trained.sample(codes, cfg.frames, cfg.seed, given)

    out, fps = Path(cfg.out), cfg.fps or trained.fps
    names = [f"{trained.identities[i]}_{trained.actions[a]}" for i, a in codes.tolist()]
    for k, (name, video) in enumerate(zip(tqdm(names, "writing", delay=2, disable=None), videos, strict=True)):
        stem = name if cfg.samples == 1 else f"{name}_{k % cfg.samples}"
        write_mp4(out / f"{stem}.mp4", video, fps, cfg.scale)
        write_gif(out / f"{stem}.gif", video, fps, cfg.scale)
    write_png(out / "sheet.png", sheet(videos, [name.replace("_", " · ", 1) for name in names]))
    table = grid(videos[:: cfg.samples], [trained.identities[i] for i in codes[:: cfg.samples * len(actions), 0]],
                 [trained.actions[a] for a in codes[: cfg.samples * len(actions) : cfg.samples, 1]])  # fmt: skip
    write_gif(out / "grid.gif", table, fps)
    write_mp4(out / "grid.mp4", table, fps)
    print(f"{len(videos)} videos of {cfg.frames} frames in {out}; all at a glance: {out}/sheet.png and {out}/grid.gif")


@hydra.main(config_path="../configs", config_name="generate", version_base="1.3")
def main(cfg: DictConfig) -> None:
    with one_line_errors():
        generate(cfg)


if __name__ == "__main__":
    main()
