from importlib import import_module
from inspect import signature
from pathlib import Path

import pytest

import aelib
from aelib.__main__ import CALLS, main
from aelib.workshop import COURSE, sweep


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ("train latent/* judge --jobs 2", (["latent/*", "judge"], 2, None, True)),
        ("train --dask tcp://there:1 --only-train", ([], 1, "tcp://there:1", False)),
        ("measure digit/*", (["digit/*"],)),
        ("list", ([],)),
        ("baselines", ()),
        ("costs", ()),
        ("compare", ()),
        ("letters", ()),
        ("tune --jobs 2", (2,)),
        ("notebooks a.ipynb", ([Path("a.ipynb")],)),
        ("notebooks", (sorted((COURSE / "notebooks").glob("*.ipynb")),)),
        ("figures", ()),
        ("translate", ()),
        ("book", (COURSE / "book",)),
        ("benchmark --json x.json", (Path("x.json"),)),
    ],
)
def test_a_command_passes_on_what_it_was_given(arguments, asked, monkeypatch):
    module, function = CALLS[arguments.split()[0]][0].split(".")
    module, calls = import_module(f"aelib.workshop.{module}"), []
    known = signature(getattr(module, function))
    record = lambda **given: calls.append(known.bind(**given).args)  # noqa: E731
    monkeypatch.setattr(module, function, record)
    assert main(arguments.split()) == 0
    assert calls == [asked]


def test_list_shows_every_experiment_and_how_far_it_is(capsys):
    assert main(["list", "latent/1*"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [f"latent/{d}" for d in (1, 10, 12, 16)]
    assert "20 of 20 seeds" in lines[0] and all("5 of 5 seeds" in line for line in lines[1:])


def test_what_the_user_can_mend_is_one_line(capsys):
    assert main(["train", "nothing/*"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("aelib: no experiment matches 'nothing/*'") and said.count("\n") == 1


def test_a_bug_keeps_its_traceback_and_ctrl_c_says_what_goes_on(monkeypatch, capsys):
    raised = [ValueError("a bug"), KeyboardInterrupt()]

    def train(*_, **__):
        raise raised.pop(0)

    monkeypatch.setattr(sweep, "train", train)
    with pytest.raises(ValueError, match="a bug"):
        main(["train"])
    assert main(["train"]) == 130
    assert "train and tune go on from here" in capsys.readouterr().err


def test_the_version_and_what_each_command_does_are_told(capsys):
    for asked, said in (("--version", aelib.__version__), ("--help", "Measure kept weights again")):
        with pytest.raises(SystemExit):
            main([asked])
        assert said in capsys.readouterr().out
