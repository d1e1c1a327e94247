"""Who may import whom (docs: the map of the house in the README). Read with `ast`, so nothing is executed."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("models", "objectives", "data", "training", "generation", "evaluation")
LEAVES = ("distributions", "errors", "files", "noise", "pictures", "pixels", "tamper")  # import one another at most


def imports(file: Path) -> set[str]:
    """The modules of videogen that a file imports, e.g. `data.clips`."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} if node.module == "videogen" else {node.module}
    return {name.removeprefix("videogen.") for name in found if name and name.startswith("videogen.")}


def package(module: str) -> str:
    return module.split(".")[0]


def test_packages_meet_only_in_yaml():
    for name in PACKAGES:
        for file in (ROOT / "videogen" / name).rglob("*.py"):
            for module in imports(file):
                assert package(module) not in set(PACKAGES) - {name}, f"{file} imports videogen.{module}"


def test_leaves_import_only_leaves():
    for name in LEAVES:
        foreign = {m for m in imports(ROOT / "videogen" / f"{name}.py") if package(m) not in LEAVES}
        assert not foreign, f"videogen/{name}.py imports {foreign}"


def test_models_hold_no_training():
    """No loss, device, optimizer, checkpoint or config in a model file; no backward in an objective."""
    for folder, banned in (
        ("models", ("torch.optim", ".backward(", ".to(device", "omegaconf", "hydra", "cuda")),
        ("objectives", ("torch.optim", ".backward(", "omegaconf", "hydra")),
        ("training", ("videogen.models", "omegaconf", "hydra")),
    ):
        for file in (ROOT / "videogen" / folder).glob("*.py"):
            text = file.read_text()
            assert not [word for word in banned if word in text], file


def test_nothing_executes_when_it_is_loaded():
    """No pickle from a file. (The decoding process pickles to its parent, over a pipe of its own.)"""
    for file in [*(ROOT / "videogen").rglob("*.py"), *(ROOT / "tools").glob("*.py")]:
        text = file.read_text()
        assert "torch.load(" not in text and "save_state(" not in text and "allow_pickle=True" not in text, file
        assert "import pickle" not in text or file.name == "worker.py", file


def test_every_package_is_seen():
    assert {p.name for p in (ROOT / "videogen").iterdir() if (p / "__init__.py").exists()} == set(PACKAGES)


def test_tools_are_scripts():
    for file in (ROOT / "tools").glob("*.py"):
        for other in (ROOT / "videogen").rglob("*.py"):
            assert f"tools.{file.stem}" not in other.read_text()
