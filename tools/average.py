"""The mean of the weights of several runs: `python tools/average.py runs=[runs/a,runs/b] out=runs/mean`.

A model soup (Wortsman et al. 2022): where one run went on from another, the mean is mostly as good as the better of both in
each respect. Where they share a beginning alone it may be worse than any: measure it. Writes <out>/model.safetensors, which
describes itself as the last of the runs does, names all of them and counts the steps and the time of all; every tool that
takes a run takes it.
"""

from pathlib import Path

import hydra
import torch
from omegaconf import DictConfig

from videogen.errors import UserError, one_line_errors
from videogen.files import read_tensors, write_tensors
from videogen.runs import listed, load_model


def average(cfg: DictConfig) -> None:
    """Raises UserError for fewer than two runs, what is no run, models that differ, and an `out` where training is."""
    runs = listed(cfg.runs)
    if len(runs) < 2:
        raise UserError(f"runs={cfg.runs} is not two runs at least: name them as runs=[runs/a,runs/b]")
    out = Path(cfg.out)
    if (out / "checkpoint.safetensors").exists():
        raise UserError(f"out={out} is a run of its own, whose weights would be lost: name another folder")
    trained = [load_model(run) for run in runs]
    weights = [each.model.state_dict() for each in trained]
    kinds = [
        ({k: w.shape for k, w in each.items()}, t.config["data"]["name"]) for each, t in zip(weights, trained, strict=True)
    ]
    for each, kind in zip(trained, kinds, strict=True):
        if kind != kinds[0]:
            raise UserError(
                f"{each.file} holds another model than {trained[0].file}: average runs of one model and one dataset"
            )
    mean = {
        name: torch.stack([each[name].double() for each in weights]).mean(0).to(last.dtype)
        if last.is_floating_point()
        else last
        for name, last in weights[-1].items()
    }
    _, described = read_tensors(trained[-1].file)
    described["averaged"] = runs
    described |= {"step": sum(each.step for each in trained), "seconds": sum(each.seconds for each in trained)}
    write_tensors(out / "model.safetensors", mean, described)
    print(f"the mean of {', '.join(described['averaged'])}: {out / 'model.safetensors'}")


@hydra.main(config_path="../configs", config_name="average", version_base="1.3")
def main(cfg: DictConfig) -> None:
    with one_line_errors():
        average(cfg)


if __name__ == "__main__":
    main()
