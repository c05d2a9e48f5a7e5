import pytest

import aelib
from aelib import __main__ as command_line
from aelib.__main__ import COMMANDS, main
from aelib.workshop import benchmark, book, figures, notebooks, readme, records, sweep, tuning


@pytest.fixture
def called(monkeypatch):
    """What the commands ask the workshop for, in place of doing it."""
    calls = []
    for module, name in (
        (sweep, "train"), (records, "measure_again"), (records, "save_baselines"),
        (records, "save_costs"), (records, "save_comparisons"), (records, "save_letters"),
        (tuning, "save_step_sizes"), (notebooks, "execute"), (figures, "write_figures"),
        (readme, "write_tables"), (book, "write_book"), (benchmark, "benchmark"),
    ):  # fmt: skip

        def call(*given, name=name, **options):
            calls.append((name, *given, *options.values()))
            return [command_line.Path("done")]

        monkeypatch.setattr(module, name, call)
    return calls


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ("train latent/* judge --jobs 2", ("train", ["latent/*", "judge"], 2, None, True)),
        ("train --dask tcp://there:1 --only-train", ("train", [], 1, "tcp://there:1", False)),
        ("measure digit/*", ("measure_again", ["digit/*"])),
        ("baselines", ("save_baselines",)),
        ("costs", ("save_costs",)),
        ("compare", ("save_comparisons",)),
        ("letters", ("save_letters",)),
        ("tune --jobs 2", ("save_step_sizes", 2)),
        ("notebooks a.ipynb", ("execute", command_line.Path("a.ipynb"))),
        ("figures", ("write_figures", command_line.ROOT / "images")),
        ("book", ("write_book", command_line.ROOT / "book")),
        ("benchmark --json x.json", ("benchmark", command_line.Path("x.json"))),
    ],
)
def test_a_command_passes_on_what_it_was_given(arguments, asked, called):
    assert main(arguments.split()) == 0
    assert called[0] == asked


def test_notebooks_executes_all_of_the_course(called):
    main(["notebooks"])
    assert [path.stem[0] for _, path in called] == ["1", "2", "3", "4"]


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
    assert all(command.__doc__ for command in COMMANDS)
