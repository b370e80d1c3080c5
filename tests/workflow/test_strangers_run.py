"""Commands in a results folder that a stranger filled: the reader's own files stay as they were."""

import os
from pathlib import Path

import pytest
from checkout import Checkout

PRIVATE = "the reader's own file"
STUDY = "results/smoke"


@pytest.fixture
def given(finished, tmp_path) -> Checkout:
    return finished.copy(tmp_path / "given")


def planted(checkout: Checkout, *names: str) -> list[Path]:
    """Files outside, each behind a link of that name in the checkout."""
    outside = []
    for number, name in enumerate(names):
        target = checkout.folder.parent / f"private-{number}"
        target.write_text(PRIVATE)
        (checkout.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout.folder / name).unlink(missing_ok=True)
        (checkout.folder / name).symlink_to(target)
        outside.append(target)
    return outside


def test_visible_links_are_replaced_and_never_written_through(given):
    outside = planted(
        given,
        f"{STUDY}/validation.json",
        f"{STUDY}/so-far/vgg16.csv",
        "logs/smoke/validate.log",
        "logs/smoke/so_far.log",
        ".snakemake/runs/1.lock",
    )
    for command in ("validate", "so_far"):
        run = given.snakemake(command)
        assert run.returncode == 0, run.stdout
    # `validate` would report a planted page.
    outside += planted(given, f"{STUDY}/page.html")
    run = given.snakemake("page", "--forcerun", "page")
    assert run.returncode == 0, run.stdout
    assert {path.read_text() for path in outside} == {PRIVATE}
    assert not (given.folder / STUDY / "validation.json").is_symlink()


@pytest.mark.parametrize("command", ["validate", "so_far", "recommend"])
@pytest.mark.parametrize("name", [".validation.json.partial", "so-far/.vgg16.csv.partial"])
def test_a_hidden_link_is_refused_by_name(name, command, given):
    outside = planted(given, f"{STUDY}/{name}")
    run = given.snakemake(command)
    assert run.returncode == 1
    assert f"error: {STUDY}/{name}: a link, and the workflow would write through it" in run.stdout
    assert "Traceback" not in run.stdout
    assert outside[0].read_text() == PRIVATE


def test_a_pipe_is_refused_by_name(given):
    pipe = given.folder / STUDY / "vgg16/comparison.json"
    pipe.unlink()
    os.mkfifo(pipe)
    run = given.snakemake("validate")
    assert run.returncode == 1
    assert f"error: {STUDY}/vgg16/comparison.json: a pipe, socket or device" in run.stdout
