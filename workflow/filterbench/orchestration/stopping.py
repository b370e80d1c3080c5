"""How a run stops that is told to end."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from snakemake.scheduling.job_scheduler import JobScheduler


def stop_in_a_thread(scheduler: JobScheduler) -> None:
    """Have SIGTERM stop a run from a thread of its own.

    Snakemake's handler waits for a lock that the code which it interrupts often holds, while a job's end is
    recorded or the next jobs are chosen; the run then stood still until it was killed. A thread waits for
    the lock, and gets it.

    Args:
        scheduler: Snakemake's; without a handler of its own, nothing is changed.
    """
    if signal.getsignal(signal.SIGTERM) == scheduler.exit_gracefully:
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=scheduler.exit_gracefully).start())
