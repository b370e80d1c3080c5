"""The command `filterbench`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from checkout import REPOSITORY

from filterbench import __version__
from filterbench.command.main import main
from filterbench.command.prune import HEADING, Request, study
from filterbench.study.config import check_config

REQUEST = {
    "model": "resnet18",
    "pruner": "L1FilterPruner",
    "sparsity": 0.5,
    "width": 1.0,
    "image_size": 64,
    "mean": [0.4, 0.5, 0.6],
    "std": [0.2],
    "epochs": 3,
    "name": "mine",
    "cores": "all",
}


@pytest.fixture
def given(tmp_path) -> dict[str, Path]:
    (tmp_path / "net.pt").touch()
    (tmp_path / "images").mkdir()
    return {"weights": tmp_path / "net.pt", "data": tmp_path / "images"}


def arguments(given, *more: str) -> list[str]:
    named = ["--weights", str(given["weights"]), "--data", str(given["data"])]
    return ["prune", *named, "--model", "resnet18", "--pruner", "L1FilterPruner", "--sparsity", "0.5", *more]


def test_the_study_of_one_net_is_valid_and_says_what_was_asked(given):
    written = study(Request(**REQUEST, **given), REPOSITORY)
    check_config(written, "mine.yaml")
    assert written["dataset"] == {"name": "image-folder", "folder": str(given["data"]), "image_size": 64}
    weights, normalisation = str(given["weights"]), {"mean": [0.4, 0.5, 0.6], "std": [0.2]}
    assert written["models"] == {
        "resnet18": {"width": 1.0, "weights": weights, "normalisation": normalisation}
    }
    assert (written["pruners"], written["finetune"]["epochs"]) == ({"L1FilterPruner": {}}, 3)


def test_settings_of_the_default_study_that_were_not_asked_for_stay_out(given, tmp_path):
    changed = {
        "extends": str(REPOSITORY / "config.yaml"),
        "round_channels": 8,
        "equal_training": {"as": ["AutoCompressPruner"]},
        "claims": "claims.csv",
        "baseline": {"models": {"vgg16": {"epochs": 7}}},
        "finetune": {"tuning": {"epochs": [5]}, "pruners": {"FPGMPruner": {"epochs": 4}}, "momentum": 0.8},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(changed))
    request = Request(**REQUEST, **given)
    written, plain = study(request, tmp_path), study(request, REPOSITORY)
    assert written == plain | {"finetune": plain["finetune"] | {"momentum": 0.8}}
    assert written["seeds"] == [0]
    check_config(written, "mine.yaml")


def refusal(capsys, *given: str) -> str:
    with pytest.raises(SystemExit, match="1"):
        main(list(given))
    return capsys.readouterr().err


def test_what_is_missing_is_named_before_anything_runs(given, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for changed, more, reason in (
        ({}, ["--mean", "0.5"], "--mean and --std: give both or neither"),
        ({"weights": "none.pt"}, [], "--weights: there is no file none.pt"),
        ({"data": "none"}, [], "--data: there is no folder none"),
    ):
        assert refusal(capsys, *arguments({**given, **changed}, *more)) == f"error: {reason}\n"
    assert refusal(capsys, "prune", "--sparsity", "half").startswith(
        "error: argument --sparsity: invalid float"
    )
    assert not list(tmp_path.glob("*.yaml"))


def test_a_users_own_file_of_the_studys_name_stays(given, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "mine.yaml"
    own.write_text("study: mine\n")
    said = refusal(capsys, *arguments(given, "--name", "mine"))
    assert said.startswith("error: --name mine: mine.yaml is not a file of this command")
    assert own.read_text() == "study: mine\n"


def test_a_study_that_cannot_be_written_is_one_line(given, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").mkdir()
    said = refusal(capsys, *arguments(given, "--name", "mine"))
    assert said.startswith("error: [Errno ") and said.count("\n") == 1


@pytest.mark.parametrize(
    ("asked", "key"),
    [(("--name", "../mine"), "study"), (("--name", ""), "study"), (("--sparsity", "50"), r"sparsities[0]")],
)
def test_what_is_refused_leaves_an_earlier_nets_study_as_it_is(
    asked, key, given, tmp_path, monkeypatch, capsys
):
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    earlier = folder / "pruned.yaml"
    earlier.write_text(HEADING + "study: pruned\n")
    said = refusal(capsys, *arguments(given, *asked))
    assert said.startswith(f"error: filterbench prune: {key}: ") and said.count("\n") == 1
    assert earlier.read_text() == HEADING + "study: pruned\n"
    assert [*tmp_path.rglob("*.yaml")] == [earlier]


# Stands for Snakemake, which takes longer to end its jobs than a killed process has.
SNAKEMAKE = """
import pathlib, time
pathlib.Path("locked").touch()
try:
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(1)
    pathlib.Path("locked").unlink()
"""


def test_ctrl_c_waits_until_snakemake_has_unlocked(given, tmp_path):
    (tmp_path / "snakemake.py").write_text(SNAKEMAKE)
    run = subprocess.Popen(
        [sys.executable, "-m", "filterbench.command.main", *arguments(given)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY / "workflow")},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell's background jobs ignore it, and hand that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while run.poll() is None and not (tmp_path / "locked").exists():
        time.sleep(0.1)
    os.killpg(run.pid, signal.SIGINT)
    _, errors = run.communicate(timeout=30)
    assert (run.returncode, errors) == (130, "")
    assert not (tmp_path / "locked").exists()


def test_the_environment_of_make_has_the_command_and_the_package(tmp_path):
    bin_folder = Path(sys.executable).parent
    scripts = [bin_folder / "filterbench", "--version"], [sys.executable, "-c", "import filterbench"]
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for script in scripts:
        run = subprocess.run(script, cwd=tmp_path, env=own, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr


def test_version_and_help_are_there(capsys):
    for argument in ("--version", "--help"):
        with pytest.raises(SystemExit, match="0"):
            main([argument])
    shown = capsys.readouterr().out
    assert f"filterbench {__version__}" in shown
    assert "prune one net" in shown
