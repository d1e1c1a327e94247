"""Decode, crop and cache a data set once, and say what is in it: `python tools/prepare.py data=weizmann data.root=...`.

Training does the same by itself at its start; this shows what was found, what was left out and why, and some pictures.
"""

import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig

from videogen.data.report import contact_sheet, summary
from videogen.errors import one_line_errors


@hydra.main(config_path="../configs", config_name="prepare", version_base="1.3")
def main(cfg: DictConfig) -> None:
    with one_line_errors():
        clips = instantiate(cfg.data.clips, _convert_="all")
        print(summary(clips))
        print(f"\nsome of it: {contact_sheet(clips)}")


if __name__ == "__main__":
    main()
