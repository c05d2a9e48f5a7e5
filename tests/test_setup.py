"""What a newcomer meets first: the README's commands, CI, and the requirements."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import aelib
from aelib import workshop
from aelib.__main__ import _parser

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def requirements(*extras):
    """What pip installs with these extras."""
    wanted = [*PROJECT["dependencies"]]
    for extra in extras:
        wanted += PROJECT["optional-dependencies"][extra]
    return [Requirement(line) for line in wanted]


ALL = requirements(*PROJECT["optional-dependencies"])
PINNED = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
)


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


def test_both_commands_install_the_same():
    for lab, test in zip(commands("jupyterlab"), commands("pytest"), strict=True):
        install = test.rsplit("&&", 1)[0]
        assert lab.startswith(install) and install.rstrip().endswith("install -r requirements.txt")
        assert lab.endswith("jupyterlab notebooks")


def test_the_readme_tells_root_and_who_wants_the_same_bits_what_to_add():
    assert "`--allow-root` after `jupyterlab`" in README
    assert "`-c constraints.txt` after `requirements.txt`" in README


def test_requirements_only_refer_to_the_project():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["-e .[course,test]"]


@pytest.mark.parametrize("requirement", ALL, ids=str)
def test_dependencies_are_ranges_and_constraints_lie_within_them(requirement):
    assert re.fullmatch(r"<[\d.]+,>=[\d.]+", str(requirement.specifier))
    assert PINNED[canonicalize_name(requirement.name)] in requirement.specifier


@pytest.mark.parametrize("extra", [None, *PROJECT["optional-dependencies"]])
def test_a_dependency_stands_once(extra):
    own = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    names = [canonicalize_name(Requirement(line).name) for line in own]
    assert len(names) == len(set(names))


def test_contributing_names_what_there_is_and_what_the_hooks_run():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:aelib|tests|images)[\w./]*)`", text)
    assert named and all((ROOT / name).exists() for name in named if "/" in name)
    table = re.search(r"Add a line to the table in `aelib/(\w+)\.py`", text)[1]
    assert "\ndef _table()" in (ROOT / f"aelib/{table}.py").read_text(encoding="utf-8")
    hooks = re.findall("entry: (.+)", (ROOT / ".pre-commit-config.yaml").read_text())
    assert " && ".join(hook.replace(" --force-exclude", "") for hook in hooks) in text


def test_constraints_are_what_the_results_were_recorded_with():
    records = list(ROOT.glob("aelib/checkpoints/**/seed*.json"))
    torches = {json.loads(path.read_text())["versions"]["torch"] for path in records}
    assert {version.split("+")[0] for version in torches} == {PINNED["torch"]}


@pytest.mark.parametrize(
    ("pattern", "extras"),
    [
        ("aelib/*.py", []),
        ("aelib/explorer/*.py", []),
        ("aelib/plotting/*.py", []),
        ("aelib/workshop/*.py", ["course", "dask", "test"]),
        ("tests/**/*.py", ["course", "dask", "test"]),
    ],
)
def test_everything_that_is_imported_is_declared(pattern, extras):
    declared = {canonicalize_name(requirement.name) for requirement in requirements(*extras)}
    distributions = packages_distributions()
    modules = {module.split(".")[0] for path in ROOT.glob(pattern) for module in _imports(path)}
    own = {"aelib"} | {path.stem for path in ROOT.glob("tests/**/*.py")}
    for module in modules - sys.stdlib_module_names - own:
        assert declared & {canonicalize_name(name) for name in distributions[module]}, module


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _own_imports(path):
    """The modules of the library that a file imports, e.g. "data" or "workshop.sweep"."""
    found = {name.removeprefix("aelib.") for name in _imports(path) if name.startswith("aelib.")}
    # What is imported from inside a folder is imported from the folder.
    found |= {name.split(".")[0] for name in found}
    known = {*aelib.MODULES, "workshop", *(f"workshop.{name}" for name in workshop.MODULES)}
    return found & known


@pytest.mark.parametrize("module", aelib.MODULES)
def test_a_module_imports_only_modules_before_it_and_never_the_workshop(module):
    before = aelib.MODULES[: aelib.MODULES.index(module)]
    folder = ROOT / "aelib" / module
    files = folder.glob("*.py") if folder.is_dir() else [folder.with_suffix(".py")]
    for path in files:  # those of a folder may import each other
        assert _own_imports(path) <= {*before, module}


@pytest.mark.parametrize("module", workshop.MODULES)
def test_a_module_of_the_workshop_imports_only_the_library_and_those_before_it(module):
    before = workshop.MODULES[: workshop.MODULES.index(module)]
    allowed = {*aelib.MODULES, "workshop", *(f"workshop.{name}" for name in before)}
    assert _own_imports(ROOT / "aelib" / "workshop" / f"{module}.py") <= allowed


def test_every_module_has_its_place():
    for package, folder, doors in (
        (aelib, ROOT / "aelib", {"__init__", "__main__"}),
        (workshop, ROOT / "aelib" / "workshop", {"__init__"}),
    ):
        files = {path.stem for path in folder.glob("*.py")}
        folders = {path.parent.name for path in folder.glob("*/__init__.py")} - {"workshop"}
        assert files | folders == {*package.MODULES, *doors}
        assert len(package.MODULES) == len(set(package.MODULES))


SLOW = {"torchvision", "sklearn", "scipy", "skdim", "joblib", "nbclient", "pandas"}


def test_what_a_notebook_imports_comes_without_the_slow_libraries():
    modules = ", ".join(aelib.MODULES)
    script = f"import sys\nfrom aelib import {modules}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    loaded = SLOW & set(done.stdout.split())
    assert not loaded, "import it inside the function that needs it"


def test_the_readme_shows_only_pictures_that_exist():
    shown = re.findall(r"images/([\w]+\.png)", README)
    assert shown and all((ROOT / "images" / name).exists() for name in shown)


def test_the_licences_are_there():
    assert "MIT License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "CC BY-SA 3.0" in README


def test_the_version_stands_in_one_place_and_is_quoted_right():
    assert PROJECT["dynamic"] == ["version"]
    assert f"\nversion: {aelib.__version__}\n" in (ROOT / "CITATION.cff").read_text(
        encoding="utf-8"
    )
    assert f"\n## {aelib.__version__}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]])
def test_ruff_finds_nothing(command):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", str(ROOT)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(
    Version(version("torch")) < Version("2.14"),
    reason="the oldest libraries are without types, or with other ones",
)
def test_mypy_finds_nothing():
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# --- The package, installed without the rest of the course ------------------------------


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with what `pip install .` installs."""
    folder = tmp_path_factory.mktemp("package")
    source, site = folder / "source", folder / "site-packages"
    shutil.copytree(ROOT / "aelib", source / "aelib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    # Without an environment of its own for the build, so that nothing is downloaded.
    offline = ["--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *offline, str(source)], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def run_installed(site, *arguments):
    """Run Python beside the package, with the libraries of this environment."""
    settings = os.environ | {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=site.parent, env=settings, capture_output=True, text=True
    )


def test_the_installed_package_has_its_data_and_its_models(installed):
    code = (
        "import aelib; from aelib import data, experiments, zoo\n"
        "print(aelib.__file__, len(data.load_mnist().test), zoo.load('latent/2').latent_dim)\n"
        "assert all(zoo.is_trained(name, 0) for name in zoo.names())"
    )
    done = run_installed(installed, "-c", code)
    assert done.stdout.split() == [str(installed / "aelib" / "__init__.py"), "10000", "2"], done
    assert done.returncode == 0, done.stderr
    assert (installed / "aelib" / "py.typed").exists()
    listed = run_installed(installed, "-m", "aelib", "list", "latent/2")
    assert "5 of 5 seeds" in listed.stdout


COMMANDS = next(action.choices for action in _parser()._actions if action.choices)


@pytest.mark.parametrize("command", sorted({*COMMANDS} - {"list", "benchmark"}))
def test_the_installed_package_says_which_commands_need_the_repository(installed, command):
    before = {path: path.stat().st_mtime_ns for path in installed.rglob("*")}
    done = run_installed(installed, "-m", "aelib", command)
    assert done.returncode == 1 and not done.stdout
    assert "installed without it" in done.stderr and str(installed) in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert before == {path: path.stat().st_mtime_ns for path in installed.rglob("*")}
