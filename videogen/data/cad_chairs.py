"""The embedded chairs, so that rotation is learnt without a download: several hundred, each from its own lots.

A chair is a pure function of a seed and its number (drivers of OpenGL may round a pixel otherwise). It is designed in
`cad_chairs_design.py` on what `cad_chairs_frame.py` has for all kinds, built of the solids in `cad_chairs_parts.py`, drawn
here off the screen and on the CPU, and written in the layout of the rendered chairs of Aubry et al. (CVPR 2014). At azimuth
0 it faces the camera; as the azimuth rises, the side that is near moves to the left.
"""

import hashlib
import os
import shutil
import signal
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from types import ModuleType

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from scipy.io import savemat
from tqdm import tqdm

from videogen.data.cad_chairs_design import design
from videogen.data.cad_chairs_frame import Chair
from videogen.data.chair_layout import AZIMUTHS, ELEVATIONS, NAMES_FILE, SUBSET_FILE, view_names
from videogen.data.manifest import drawn_with, tell
from videogen.errors import UserError
from videogen.files import written_whole
from videogen.noise import seed_of

DRAWING = 1  # counted up whenever the same arguments would give other pictures
MANIFEST = "cad_chairs.json"
WORKERS = min(4, os.cpu_count() or 1)

_SHARP = 2  # supersampling
_ANGLE, _FILL = 25.0, 0.75  # of the view, in degrees; share of it that a chair may take


class Studio:
    """A camera, two lamps that turn with the chair, and a white background. One is used for many chairs."""

    def __init__(self, size: int):
        self.pyvista, self.vtk = load_vtk()
        self.size = size
        side = _SHARP * size
        self.plotter = self.pyvista.Plotter(off_screen=True, window_size=(side, side), lighting="none")
        self.plotter.set_background("white")
        for position, intensity in (((-2.2, -3.0, 4.0), 0.85), ((3.0, 1.5, 2.0), 0.35)):
            self.plotter.add_light(self.pyvista.Light(position=position, intensity=intensity))
        self.plotter.render_window.SetMultiSamples(0)  # slow on a CPU, and no better than _SHARP
        self.plotter.camera.up, self.plotter.camera.view_angle = (0, 0, 1), _ANGLE
        self.actor = None
        self.middle, self.away = np.zeros(3), 1.0

    def place(self, chair: Chair) -> None:
        """Take the chair before away and put this one there; the camera goes so far off that it is seen whole."""
        points = np.concatenate([solid.points for solid, _ in chair.parts]).astype(np.float32)
        first = np.cumsum([0, *(len(solid.points) for solid, _ in chair.parts)])
        triangles = np.concatenate([solid.triangles + at for (solid, _), at in zip(chair.parts, first, strict=False)])
        mesh = self.pyvista.PolyData(points, np.insert(triangles, 0, 3, axis=1).ravel())
        mesh.point_data["colour"] = np.concatenate(
            [np.tile(np.array(c, np.uint8), (len(s.points), 1)) for s, c in chair.parts]
        )
        mesh = mesh.compute_normals(
            cell_normals=False,
            split_vertices=True,  # edges stay sharp
            feature_angle=35,
            consistent_normals=False,
            auto_orient_normals=False,
        )
        if self.actor is not None:
            self.plotter.remove_actor(self.actor, render=False)
        self.actor = self.plotter.add_mesh(
            mesh,
            scalars="colour",
            rgb=True,
            ambient=0.22,
            diffuse=0.85,
            specular=0.12,
            specular_power=12,
            reset_camera=False,
            render=False,
        )
        low, high = points.min(0), points.max(0)
        self.middle = (low + high) / 2
        self.away = float(np.linalg.norm(high - low)) / 2 / np.sin(np.radians(_ANGLE / 2)) / _FILL

    def close(self) -> None:
        self.plotter.close()

    def shoot(self, azimuth: float, elevation: float) -> UInt8[np.ndarray, "s s 3"]:
        """The chair from an azimuth and an elevation in degrees."""
        a, e = np.radians(azimuth), np.radians(elevation)
        ahead = np.array([np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)])
        self.plotter.camera.focal_point = self.middle
        self.plotter.camera.position = self.middle + self.away * ahead
        self.plotter.renderer.ResetCameraClippingRange()
        window, side = self.plotter.render_window, _SHARP * self.size
        window.Render()
        array = self.vtk.vtkUnsignedCharArray()
        window.GetPixelData(0, 0, side - 1, side - 1, 0, array, 0)  # from the bottom row up
        fine = np.asarray(self.pyvista.convert_array(array)).reshape(side, side, 3)
        return np.asarray(Image.fromarray(fine).reduce(_SHARP))[::-1]


def write_chairs(root: Path, chairs: int = 400, size: int = 128, seed: int = 0, workers: int = WORKERS) -> None:
    """Draw chairs 0 to `chairs` - 1 into `root`, with the two .mat files that the archive's readers expect.

    A chair's folder is there in full or not at all, and one that is there already is kept, so an interrupted call
    resumes. With other settings than the folder's `cad_chairs.json` tells, its chairs are thrown away and drawn again.
    """
    for name, value, least in (("chairs", chairs, 1), ("picture_size", size, 8)):
        if value < least:
            raise UserError(f"data.{name} is {value}: it must be at least {least}")
    root = Path(root)
    root.mkdir(parents=True, exist_ok=True)
    _settle(root, {"drawing": DRAWING, "size": size, "seed": seed, "chairs": chairs})
    names = [chair_id(seed, number) for number in range(chairs)]
    whole = set(view_names())
    todo = [n for n, name in enumerate(names) if not whole <= _files(root / name / "renders")]
    if todo:
        _draw(root, todo, size, seed, min(workers, len(todo)))
    for file, variables in (
        (NAMES_FILE, {"folder_names": _cells(names), "instance_names": _cells(view_names())}),
        (SUBSET_FILE, {"selected": np.arange(1, chairs + 1)}),
    ):
        if not (root / file).is_file():
            with written_whole(root / file) as part, part.open("wb") as opened:
                savemat(opened, variables)


def chair_id(seed: int, number: int) -> str:
    """32 hexadecimal digits, as the archive calls its chairs."""
    return hashlib.blake2b(repr(("cad_chairs", seed, number)).encode(), digest_size=16).hexdigest()


def write_chair(studio: Studio, root: Path, number: int, seed: int) -> None:
    """Draw the 62 views of one chair; its folder appears once all of them are there."""
    name = chair_id(seed, number)
    part = root / f".{name}.{os.getpid()}.part"
    try:
        (part / "renders").mkdir(parents=True)
        studio.place(design(np.random.default_rng(seed_of("cad_chairs", seed, number))))
        views = [(elevation, azimuth) for elevation in ELEVATIONS for azimuth in AZIMUTHS]
        for file, (elevation, azimuth) in zip(view_names(), views, strict=True):
            pixels = studio.shoot(float(azimuth), float(elevation))
            Image.fromarray(pixels).save(part / "renders" / file, compress_level=3)
        if (root / name).is_dir():  # not whole: a picture of it is gone
            shutil.rmtree(root / name)
        part.rename(root / name)
        for left in root.glob(f".{name}.*.part"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def load_vtk() -> tuple[ModuleType, ModuleType]:
    """(pyvista, vtk), which take half a second and are wanted only here. VTK's warnings stay off the terminal."""
    os.environ.setdefault("LIBGL_ALWAYS_SOFTWARE", "1")  # a GPU is for training, and its pixels are others
    try:
        import pyvista
        import vtk
    except ImportError as error:
        raise UserError(
            f"VTK, which draws the chairs, cannot be loaded ({error}): pip install pyvista; or take chairs that are"
            " drawn already, with data=chairs"
        ) from error
    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)
    return pyvista, vtk


def _draw(root: Path, todo: list[int], size: int, seed: int, workers: int) -> None:
    """In processes of their own: where there is no OpenGL, VTK ends the one that it runs in."""
    load_vtk()
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _open_studio, (size,))
    try:
        drawing = [pool.submit(_write, root, number, seed) for number in todo]
        bar = {"total": len(todo), "desc": "drawing the chairs", "unit": "chair", "delay": 2.0}
        for done in tqdm(as_completed(drawing), **bar):
            done.result()
    except BrokenProcessPool as error:
        raise UserError(
            "VTK, which draws the chairs, has crashed: it needs OpenGL in software (Debian and Ubuntu:"
            " apt-get install libegl1 libgl1-mesa-dri); or take chairs that are drawn already, with data=chairs"
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _settle(root: Path, settings: dict[str, int]) -> None:
    """Make the folder's manifest tell `settings`, and throw away what was drawn with others."""
    manifest = root / MANIFEST
    before = drawn_with(manifest)
    if before == settings:
        return
    alike = {**before, "chairs": settings["chairs"]} == settings
    for number in range(settings["chairs"] if alike else 0, before.get("chairs", 0)):
        shutil.rmtree(root / chair_id(before["seed"], number), ignore_errors=True)
    for file in (NAMES_FILE, SUBSET_FILE):
        (root / file).unlink(missing_ok=True)
    tell(manifest, settings)


def _files(folder: Path) -> set[str]:
    return set(os.listdir(folder)) if folder.is_dir() else set()  # noqa: PTH208


def _cells(names: list[str]) -> np.ndarray:
    """A MATLAB cell array of strings."""
    cells = np.empty((1, len(names)), object)
    cells[0] = names
    return cells


_studio: Studio  # of a drawing process


def _open_studio(size: int) -> None:
    global _studio
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent; the chairs in hand are finished
    Thread(target=_end_with_the_parent, daemon=True).start()
    _studio = Studio(size)


def _end_with_the_parent() -> None:
    """A parent that is killed takes no leave of its processes, which would wait for chairs for ever."""
    if parent := parent_process():
        parent.join()
        os._exit(1)


def _write(root: Path, number: int, seed: int) -> None:
    write_chair(_studio, root, number, seed)
