"""What tells one job's outcome from another's."""

import json

import pytest
import torch

from filterbench.domain.targets import TRAJECTORY_NAME
from filterbench.jobs.job import Job
from filterbench.making.context import Context
from filterbench.storage.files import file_digest

CELL = {"study": "mine", "model": "vgg16", "width": 1.0, "seed": 0}
PARAMS = {"cell": CELL, "device": "auto", "learning_rate": 0.1}


def context(inputs=(), threads: int = 1, cell=(), **params) -> Context:
    cell = CELL | dict(cell)
    job = Job(dict(inputs), {}, PARAMS | params | {"cell": cell})
    return Context(job, cell, torch.device("cpu"), threads)


def key(*left_out: str, **named) -> str:
    return context(**named).state_key(*left_out)


@pytest.mark.parametrize(
    "changes",
    [{"threads": 2}, {"learning_rate": 0.2}, {"cell": {"seed": 1}}, {"cell": {"width": 0.5}}, {"more": True}],
)
def test_what_can_change_an_outcome_changes_its_key(changes):
    assert key(**changes) != key()


def test_where_it_computes_counts_and_not_where_it_was_asked_to():
    assert key(device="cpu") == key()
    on_a_gpu = Context(Job({}, {}, PARAMS), CELL, torch.device("cuda"))
    assert on_a_gpu.state_key() != key()


def test_another_study_has_the_same_key():
    assert key(cell={"study": "another"}) == key()


def test_a_param_that_is_left_out_does_not_count():
    assert key("learning_rate", learning_rate=0.2) == key("learning_rate") != key()


def test_inputs_count_by_name_and_content(tmp_path):
    weights, same, other = (tmp_path / f"{name}.safetensors" for name in ("weights", "same", "other"))
    weights.write_text("one")
    same.write_text("one")
    other.write_text("two")
    keys = {key(inputs={"baseline": path}) for path in (weights, same)}
    assert len(keys) == 1
    assert keys.isdisjoint({key(), key(inputs={"baseline": other}), key(inputs={"prune": weights})})


def test_a_search_paths_record_which_grows_with_the_study_does_not_count(tmp_path):
    record = tmp_path / f"{TRAJECTORY_NAME}.json"
    record.write_text(json.dumps({}))
    assert key(inputs={"trajectory": record}) == key()


def test_an_input_that_is_replaced_while_the_job_computes_counts_as_it_was(tmp_path):
    weights = tmp_path / "prune.safetensors"
    weights.write_text("those that are trained")
    trained, key = file_digest(weights), context(inputs={"weights": weights}).state_key()
    at_work = context(inputs={"weights": weights})
    weights.write_text("others")
    assert at_work.provenance()["inputs"] == {"weights": trained}
    assert at_work.state_key() == key
