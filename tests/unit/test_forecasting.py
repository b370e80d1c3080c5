"""How far a run is."""

import os
import time

from filterbench.forecasting.progress import Progress


def test_progress_counts_work_and_not_jobs(tmp_path):
    long, short, old = (tmp_path / f"{name}.json" for name in ("long", "short", "old"))
    old.touch()
    os.utime(old, (time.time() - 60, time.time() - 60))
    progress = Progress()
    progress.jobs = {long: 800.0, short: 100.0, old: 100.0}
    assert progress.line(60) == "progress: 0% of the work with nets, 0 of 3 jobs"
    short.touch()
    assert progress.line(60) == "progress: 10% of the work with nets, 1 of 3 jobs; about 9 min left"
    long.touch()
    assert progress.line(1800) == "progress: 90% of the work with nets, 2 of 3 jobs; about 3 min left"
    # What another study has made is no work of this run.
    taken = tmp_path / "taken.json"
    taken.touch()
    taken.with_suffix(".benchmark.tsv").write_text("s\ts_earlier\n500.2\t500.0\n")
    progress.jobs[taken] = 9000.0
    assert progress.line(1800) == "progress: 90% of the work with nets, 2 of 3 jobs; about 3 min left"
    # A document that is to be made anew counts once that is done.
    old.touch()
    assert progress.line(1800) == "progress: 100% of the work with nets, 3 of 3 jobs"
