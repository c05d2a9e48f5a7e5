"""What a newcomer meets first: the README's commands, CI, the requirements, and the package."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import aelib

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
FRONT = {path.stem for path in ROOT.glob("aelib/*.py")} - {"__init__", "__main__"} | {"explorer"}
# The front modules in the order in which the library's docstring has them.
ORDER = [name for name in re.findall(r"`(\w+)`", aelib.__doc__) if name in FRONT]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


PINNED = dict(line.split("==") for line in read("constraints.txt").splitlines() if line[0] != "#")


def requirements(*extras):
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    return [Requirement(line) for line in lines]


def python(*arguments, cwd=ROOT, beside=""):
    how = {"cwd": cwd, "env": os.environ | {"PYTHONPATH": str(beside)}}
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, **how)


def commands(ending):
    """The README's commands that install and then do something: for Unix, and for Windows."""
    return re.findall(rf"^(.*pip install.*{ending}.*)$", read("README.md"), re.MULTILINE)


def test_ci_runs_the_readmes_commands_and_what_the_hooks_run():
    unix, windows = commands("pytest")
    for lab, test in zip(commands("jupyterlab"), (unix, windows), strict=True):
        install = test.rsplit("&&", 1)[0]
        assert lab.startswith(install) and install.rstrip().endswith("install -r requirements.txt")
        assert lab.endswith("jupyterlab notebooks")
    assert read("requirements.txt").splitlines()[1:] == ["-e .[course,test]"]
    ci, workflow = read(".ci/run").splitlines(), read(".github/workflows/test.yml")
    assert unix in ci and windows in [line.strip() for line in workflow.splitlines()]
    assert "bash .ci/run" in workflow
    hooks = " && ".join(re.findall("entry: (.+)", read(".pre-commit-config.yaml")))
    hooks = hooks.replace(" --force-exclude", "")
    assert hooks in read("CONTRIBUTING.md")
    checks = hooks.replace(" --fix", "").replace("format", "format --check")
    assert ci[-1] == checks.replace("python", ".venv/bin/python")


def test_dependencies_are_ranges_and_constraints_what_the_results_were_recorded_with():
    for requirement in requirements(*EXTRAS):
        assert re.fullmatch(r"<[\d.]+,>=[\d.]+", str(requirement.specifier)), requirement
        assert PINNED[canonicalize_name(requirement.name)] in requirement.specifier, requirement
    records = ROOT.glob("aelib/checkpoints/**/seed*.json")
    torches = {json.loads(path.read_text())["versions"]["torch"] for path in records}
    assert {version.split("+")[0] for version in torches} == {PINNED["torch"]}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_everything_that_is_imported_is_declared():
    brings = packages_distributions()
    front = {*ROOT.glob("aelib/*.py"), *ROOT.glob("aelib/explorer/*.py")}
    tests = set(ROOT.glob("tests/**/*.py"))
    own = {"aelib", "tests"} | {path.stem for path in tests}
    for found, paths in (
        (requirements(), front),
        (requirements(*EXTRAS), tests | set(ROOT.glob("aelib/**/*.py"))),
    ):
        declared = {canonicalize_name(requirement.name) for requirement in found}
        modules = {name.split(".")[0] for path in paths for name in imports(path)}
        for module in modules - sys.stdlib_module_names - own:
            assert declared & set(map(canonicalize_name, brings[module])), module


def test_a_module_imports_only_modules_before_it_and_never_the_workshop():
    assert sorted(ORDER) == sorted(FRONT)
    for place, module in enumerate(ORDER):
        folder = ROOT / "aelib" / module  # whose files may import each other
        files = list(folder.glob("*.py")) or [folder.with_suffix(".py")]
        names = [name.split(".") for path in files for name in imports(path)]
        known = {*ORDER[: place + folder.is_dir()], "AelibError", "__version__"}
        assert {name[1] for name in names if name[0] == "aelib"} <= known, module


def test_what_a_notebook_imports_comes_without_the_slow_libraries():
    done = python("-c", f"import sys\nfrom aelib import {', '.join(ORDER)}\nprint(*sys.modules)")
    slow = {"torchvision", "sklearn", "scipy.stats", "scipy.ndimage", "nbconvert"}
    assert not slow & {*done.stdout.split()}, "import it inside the function that needs it"
    assert "aelib.explorer" in done.stdout, done.stderr


def test_what_is_said_of_files_and_of_the_version_is_so():
    shown = re.findall(r"images/\w+\.png", read("README.md"))
    named = re.findall(r"`((?:aelib|tests|images)/[\w./]*)`", read("CONTRIBUTING.md"))
    assert shown and named and all((ROOT / name).exists() for name in (*named, *shown))
    assert f"\nversion: {aelib.__version__}\n" in read("CITATION.cff")
    assert f"\n## {aelib.__version__}\n" in read("CHANGELOG.md")


def test_the_package_has_its_data_and_says_what_it_cannot_do_without_the_repository(tmp_path):
    source, site = tmp_path / "source", tmp_path / "site"
    for name in ("aelib", "tests"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "MANIFEST.in", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = "from setuptools import build_meta; build_meta.build_{}('..')".format
    assert not python("-c", build("sdist"), cwd=source).returncode
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        assert not [name for name in archive.getnames() if "/tests" in name], "half of them"
        archive.extractall(tmp_path, filter="data")
    assert not python("-c", build("wheel"), cwd=next(tmp_path.glob("aelib-*/"))).returncode
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as archive:
        archive.extractall(site)
    code = (
        "from aelib import data, explorer, zoo; print(len(data.load_mnist().test), "
        "zoo.load('latent/2').latent_dim, len(zoo.names()), 'morph' in explorer.script('morph'))"
    )
    shipped = str(len(list(ROOT.glob("aelib/checkpoints/**/seed0.pt"))))
    done = python("-c", code, cwd=tmp_path, beside=site)
    assert done.stdout.split() == ["10000", "2", shipped, "True"], done.stderr
    done = python("-m", "aelib", "train", cwd=tmp_path, beside=site)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert f"installed without it, in {site}" in done.stderr
