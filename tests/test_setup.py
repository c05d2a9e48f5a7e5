"""What a newcomer meets first: the README's commands, CI, and the requirements."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
LAYERS = [
    "data", "models", "batch_last", "optim", "training", "checkerboards", "strokes", "detection",
    "metrics", "measuring", "zoo", "sweep", "plotting", "detector_plots", "drawing", "widgets",
    "publish", "__main__",
]  # fmt: skip


def commands(ending):
    found = re.findall(rf"^(.*pip install.*{ending}.*)$", README, re.MULTILINE)
    return [line.strip() for line in found]


def test_ci_runs_the_readmes_test_command():
    unix, windows = commands("pytest")
    assert unix in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    assert windows in [line.strip() for line in workflow.splitlines()]
    assert "bash .ci/run" in workflow
    for system in ("ubuntu", "macos", "windows"):
        assert f"{system}-latest" in workflow


def test_both_commands_install_the_same_and_work_for_root():
    for lab, test in zip(commands("jupyterlab"), commands("pytest"), strict=True):
        install = test.rsplit("&&", 1)[0]
        assert lab.startswith(install)
        assert "--allow-root" in lab and lab.endswith("notebooks")


def test_requirements_are_ranges_and_hold_what_the_code_imports():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith(("#", "-e"))]
    assert all(re.fullmatch(r"[\w-]+>=[\d.]+,<[\d.]+", line) for line in wanted)
    assert "-e ." in lines
    names = {re.split(">=", line)[0] for line in wanted}
    packages = {
        "torch", "torchvision", "numpy", "scipy", "matplotlib", "joblib", "tqdm", "platformdirs",
        "ipywidgets", "nbclient", "nbformat", "hypothesis", "pytest",
    }  # fmt: skip
    renamed = {"sklearn": "scikit-learn", "skdim": "scikit-dimension", "PIL": "pillow"}
    imported = set()
    for path in [*ROOT.glob("aelib/*.py"), *ROOT.glob("tests/*.py")]:
        imported |= {module.split(".")[0] for module in _imports(path)}
    assert packages <= imported
    assert {renamed.get(name, name) for name in imported & (packages | set(renamed))} <= names


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("layer", LAYERS)
def test_a_module_imports_only_modules_before_it(layer):
    found = _imports(ROOT / "aelib" / f"{layer}.py")
    used = {name.split(".")[1] for name in found if name.startswith("aelib.")} & set(LAYERS)
    assert used <= set(LAYERS[: LAYERS.index(layer)])


def test_every_module_has_its_place():
    modules = {path.stem for path in (ROOT / "aelib").glob("*.py")} - {"__init__"}
    assert modules == set(LAYERS)


def test_the_readme_shows_only_pictures_that_exist():
    shown = re.findall(r"images/([\w]+\.png)", README)
    assert shown and all((ROOT / "images" / name).exists() for name in shown)


def test_the_licences_are_there():
    assert "MIT License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "CC BY-SA 3.0" in README


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]])
def test_ruff_finds_nothing(command):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", str(ROOT)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
