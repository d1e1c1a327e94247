"""Videos of these people doing those actions: MP4 and GIF each, a labelled sheet, and one animated grid of all.

A run that keeps motion and identity apart takes more than names: `identity=[ada+ben]` is a mixture, `action=[walk/jack]`
one action after another, `speed=0.5` half as fast, `motion_of=<video>` that video's motion. See docs/control.md.
"""

import itertools
from pathlib import Path

import hydra
import torch
from omegaconf import DictConfig
from tqdm import tqdm

from videogen.data.crop import cutting
from videogen.errors import UserError, one_line_errors
from videogen.generation.pictures import read_clip, read_first_frame
from videogen.generation.steering import infer, steer, swap
from videogen.generation.writers import grid, sheet, write_gif, write_mp4, write_png
from videogen.runs import TrainedModel, listed, load_model, number

ANY = "any"


def generate(cfg: DictConfig) -> None:
    trained = load_model(cfg.run, cfg.model)
    trained.model.to(cfg.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    people = wished(trained, "identity", cfg.identity)
    actions = wished(trained, "action", cfg.action)
    if cfg.motion_of is not None:
        if cfg.first_frame is not None or cfg.speed != 1 or cfg.samples != 1:
            raise UserError("motion_of brings all frames of a video: leave out first_frame, speed and samples")
        videos, actions = performed(trained, cfg, people)
        asked = [(person, actions[0]) for person in people]
    else:
        asked = [(i, a) for i, a in itertools.product(people, actions) for _ in range(cfg.samples)]
        videos = played(trained, cfg, asked)

    out, fps = Path(cfg.out), cfg.fps or trained.fps
    who, does = ({words: title(words, names) for words in asked_for} for asked_for, names in (
        (people, trained.identities), (actions, trained.actions)))  # fmt: skip
    labels = [f"{who[i]} · {does[a]}" for i, a in asked]
    for k, (label, video) in enumerate(zip(tqdm(labels, "writing", delay=2, disable=None), videos, strict=True)):
        stem = label.replace(" · ", "_").replace("/", "-then-")
        stem = stem if cfg.samples == 1 else f"{stem}_{k % cfg.samples}"
        write_mp4(out / f"{stem}.mp4", video, fps, cfg.scale)
        write_gif(out / f"{stem}.gif", video, fps, cfg.scale)
    write_png(out / "sheet.png", sheet(videos, labels))
    table = grid(videos[:: cfg.samples], [who[i] for i in people], [does[a] for a in actions])
    write_gif(out / "grid.gif", table, fps)
    write_mp4(out / "grid.mp4", table, fps)
    print(f"{len(videos)} videos of {videos.shape[1]} frames in {out}; all at a glance: {out}/sheet.png and {out}/grid.gif")


def wished(trained: TrainedModel, kind: str, names: list | str | int | None) -> list[str]:
    """The names that were given, else all. Of a model that is told nothing of this kind nothing can be wished for."""
    if kind in trained.told:
        known = trained.identities if kind == "identity" else trained.actions
        return known if names is None else listed(names)
    if names is not None:
        raise UserError(
            f"{trained.file} holds a {type(trained.model).__name__}, which is told no {kind}: leave out {kind}="
        )
    return [ANY]


def played(trained: TrainedModel, cfg: DictConfig, asked: list[tuple[str, str]]) -> torch.Tensor:
    """Plain names go to any model; words that mix, or change on the way, to one that can be steered."""
    given = None
    if cfg.first_frame is not None:
        data = trained.config["data"]
        cut = cutting(data["crop"], data["size"], data.get("invert", False))
        given = read_first_frame(Path(cfg.first_frame), data["size"], cut)
        given = given.expand(len(asked), -1, -1, -1)
    steered = cfg.speed != 1 or any(sign in word for pair in asked for word in pair for sign in "+/")
    if steered and cfg.temperature != 1:
        raise UserError("temperature is for plain names: leave out speed, mixtures and switches, or use +model.temperature")
    if steered:
        return steer(trained, asked, cfg.frames, cfg.seed, cfg.speed, given)
    codes = trained.codes([0 if i == ANY else i for i, _ in asked], [0 if a == ANY else a for _, a in asked])
    return trained.sample(codes, cfg.frames, cfg.seed, given, temperature=cfg.temperature)


def performed(trained: TrainedModel, cfg: DictConfig, people: list[str]) -> tuple[torch.Tensor, list[str]]:
    """The motion of the video `motion_of`, by each of `people`; and what action it is taken for."""
    data = trained.config["data"]
    clip = read_clip(Path(cfg.motion_of), data["size"], cfg.frames, data["stride"])
    p_identity, p_action = infer(trained, clip)
    for kind, p, names in (("identity", p_identity[0], trained.identities), ("action", p_action[0], trained.actions)):
        ranked = p.argsort(descending=True).tolist()[:3]
        print(f"{cfg.motion_of} shows {kind} " + ", ".join(f"{names[k]} ({p[k]:.2f})" for k in ranked))
    action = int(p_action.argmax()) if cfg.action is None else number(cfg.action[0], trained.actions, "action")
    identity = torch.tensor([number(person, trained.identities, "identity") for person in people])
    videos = swap(trained, clip.expand(len(people), -1, -1, -1, -1), identity, torch.full_like(identity, action))
    return videos, [trained.actions[action]]


def title(words: str, names: list[str]) -> str:
    """A number's name; other words as they are."""
    return names[int(words)] if words.isdecimal() and words not in names and int(words) < len(names) else words


@hydra.main(config_path="../configs", config_name="generate", version_base="1.3")
def main(cfg: DictConfig) -> None:
    with one_line_errors():
        generate(cfg)


if __name__ == "__main__":
    main()
