"""What the stages that prune search with."""

from filterbench.data.loading import Splits
from filterbench.pruners.search.search import Search, SearchSettings
from filterbench.running.context import Setting

NO_SEARCH = {"net": "compact", "batch_size": 2, "augment": False}


def new_search(setting: Setting, splits: Splits) -> Search:
    """The search of a job's pruner; its state lies beside the job's outputs."""
    settings = SearchSettings(**(setting.job.params["search"] or NO_SEARCH))
    return Search(
        splits, settings, setting.seed, setting.state_path(".search"), setting.state_key(), setting.stopwatch
    )
