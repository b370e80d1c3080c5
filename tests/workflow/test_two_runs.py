"""Two runs at once in one folder."""

import subprocess
import time

from checkout import Checkout


def test_a_second_run_says_that_another_one_is_at_work_and_not_to_unlock(checkout: Checkout):
    command = ["snakemake", "--cores", "1", "baselines", "--configfile", "studies/smoke.yaml"]
    first = subprocess.Popen(
        command, cwd=checkout.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        locks = checkout.folder / ".snakemake/locks"
        while first.poll() is None and not (locks.exists() and any(locks.iterdir())):
            time.sleep(0.1)
        second = checkout.snakemake("baselines")
        # What does not write the same files goes on beside it.
        looked = checkout.snakemake("show_study")
    finally:
        assert first.wait() == 0
    assert second.returncode == 1
    assert f"another run is active in this folder (process {first.pid})" in second.stdout
    assert "wait for that run to end: unlocking would let both write the same files" in second.stdout
    assert looked.returncode == 0, looked.stdout
