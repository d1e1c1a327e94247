"""A figure of the lecture, one command each: `python tools/figure.py figure=manifold run=runs/digits/vae_2d/seed_0`.

`configs/figure/` has one file for each; its first line is the command.
"""

from pathlib import Path

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig

from videogen.errors import one_line_errors


@hydra.main(config_path="../configs", config_name="figure", version_base="1.3")
def main(cfg: DictConfig) -> None:
    with one_line_errors():
        out = Path(cfg.out or f"results/figures/{cfg.name}")
        for line in instantiate(cfg.figure, _convert_="all")(out=out):
            print(line)


if __name__ == "__main__":
    main()
