"""Names of files that are not UTF-8: named, and never the end of a log or a traceback."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from checkout import REPOSITORY
from PIL import Image

from filterbench.data.preparing import prepare_data
from filterbench.storage.errors import InputError
from filterbench.storage.files import files_digest
from filterbench.storage.tables import read_table, write_table
from filterbench.study.imports import imports_digest, imports_of

NAME = os.fsdecode(b"caf\xe9")


FAILING = """
from filterbench.jobs import job
from filterbench.storage.errors import InputError

def fail(*arguments):
    raise InputError("results/caf\\udce9.json: not the name of a document")

job._make = fail
job.execute("validate", "log.log", job.Job({}, {}, {"stage": "stages.validate"}))
"""


def test_a_log_holds_the_name(tmp_path):
    # In a process of its own, because pytest has handlers of logs.
    command = [sys.executable, "-c", FAILING]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "workflow")}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    line = "[validate] error: results/caf\\udce9.json: not the name of a document\n"
    assert (run.returncode, run.stderr) == (1, line)
    assert (tmp_path / "log.log").read_text() == line


def test_a_class_folder_is_refused_by_name(tmp_path):
    for name in ("cat", NAME):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(15):
            Image.fromarray(np.full((8, 8), number, dtype=np.uint8)).save(
                tmp_path / "images" / name / f"{number}.png"
            )
    with pytest.raises(InputError, match="images/caf\udce9: the class's name is not UTF-8; rename"):
        prepare_data("image-folder", tmp_path / "images", tmp_path, tmp_path / "out.npz")


def test_an_images_own_name_does_not_matter(tmp_path):
    for number, name in enumerate(("cat", "dog")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for each in range(15):
            pixels = np.full((8, 8), 100 * number + each, dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{NAME}-{each}.png")
    assert prepare_data("image-folder", tmp_path / "images", tmp_path, tmp_path / "out.npz").classes == 2


def test_results_of_such_a_pruner_are_listed_as_skipped(tmp_path):
    for pruner in ("L1FilterPruner", NAME):
        folder = tmp_path / "nni/resnet18" / pruner / "0.5"
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(json.dumps({}))
    found = imports_of(str(tmp_path / "nni"))
    assert "1 whose names are not UTF-8" in found.summary()
    assert imports_digest(found.sources["resnet18"])


def test_the_digest_of_files_depends_on_their_names_below_a_folder_and_not_on_its_place(tmp_path):
    digests = set()
    for folder in ("here", "there", "there/below"):
        files = [tmp_path / folder / name for name in ("a/x.csv", "b/x.csv")]
        for file in files:
            file.parent.mkdir(parents=True)
            file.write_text(file.parent.name)
        digests.add(files_digest(files))
    assert len(digests) == 1
    (tmp_path / "here/c").mkdir()
    renamed = (tmp_path / "here/b/x.csv").rename(tmp_path / "here/c/x.csv")
    assert files_digest([tmp_path / "here/a/x.csv", renamed]) not in digests


def test_a_table_with_such_a_name_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"table\.csv: '.*caf\\udce9.*' is not UTF-8; rename the file"):
        write_table(tmp_path / "table.csv", pd.DataFrame({"pruner": [NAME]}))
    assert not (tmp_path / "table.csv").exists()


@pytest.mark.parametrize("name", ["NA", "None", "nan", "null"])
def test_a_pruner_may_have_a_name_that_pandas_takes_for_no_value(name, tmp_path):
    written = pd.DataFrame({"pruner": [name, "L1FilterPruner"], "latency": [1.5, None], "infeasible": None})
    write_table(tmp_path / "comparison.csv", written)
    table = read_table(tmp_path / "comparison.csv")
    assert table["pruner"].tolist() == [name, "L1FilterPruner"]
    assert table["latency"].isna().tolist() == [False, True]
    assert table["infeasible"].isna().all()
