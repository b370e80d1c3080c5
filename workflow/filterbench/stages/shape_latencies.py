"""Rule `shape_latencies`: how long nets of the cells' shapes take, from documents alone."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from torch import Tensor, nn

from filterbench.costs.latency import measure_latencies, timed_batches
from filterbench.costs.runtimes import ONNXRUNTIME, TORCH_COMPILE, in_onnxruntime
from filterbench.costs.shapes import shaped
from filterbench.documents.parts import LayerRecord
from filterbench.making.computing import measured
from filterbench.making.context import Context
from filterbench.results.shapes import TIMES, settings_used, shape_row
from filterbench.storage.errors import InputError
from filterbench.storage.tables import write_table
from filterbench.study.cells import Config

logger = logging.getLogger(__name__)


@measured
def shape_latencies(context: Context) -> None:
    """Time a batch through the unpruned net and each shape in turns, in the study's first runtime.

    Shapes that several cells have are timed once. The nets have fresh weights: no weights of the cells are
    needed, and another machine can be measured than the one that pruned them.

    Raises:
        InputError: the runtime is torch-compile, the study has no such cells, one is not made yet, or a shape
            has other params than its cell counted.
    """
    job = context.job
    settings, cells = job.params["measurement"], [Path(path) for path in job.params["cells"]]
    if not cells:
        raise InputError(
            f"{job.outputs['table']}: nothing to compare; the study needs a searching pruner and its uniform "
            "control, such as AutoCompressPruner and UniformAsAutoCompressPruner"
        )
    if missing := [cell for cell in cells if not (cell / "speedup.json").exists()]:
        raise InputError(
            f"{len(missing)} of {len(cells)} cells are missing ({missing[0]}, ...); run the study first: "
            "snakemake --cores all"
        )
    if settings["runtimes"][0] == TORCH_COMPILE:
        raise InputError(
            "latency.runtimes: shapes are timed in the first one, and compiling hundreds takes hours; "
            "put torch or onnxruntime first"
        )
    splits = context.splits()
    batch = timed_batches(splits.test, settings["batch"])["batch"]
    model = context.place(context.build(splits.classes)).eval()
    shapes = _Shapes(model, batch, settings)
    rows = []
    for number, cell in enumerate(cells, start=1):
        row, layers = shape_row(cell)
        times = shapes.times(cell, layers, row["params_compact"]) if layers else dict.fromkeys(TIMES)
        rows.append({**row, **times})
        if number % 20 == 0 or number == len(cells):
            logger.info("%d of %d cells, %d shapes", number, len(cells), len(shapes.found))
    described = context.machine
    table = pd.DataFrame(rows).assign(
        **settings_used(settings), machine=described.get("gpu", described["cpu"])
    )
    write_table(job.outputs["table"], table)


class _Shapes:
    """Measured shapes of one model.

    Attributes:
        found: by the channels that a shape keeps, the medians of the unpruned net and of the shape, ms.
    """

    def __init__(self, model: nn.Module, batch: Tensor, settings: Config) -> None:
        self.found: dict[tuple[int, ...], dict[str, float]] = {}
        self._model, self._settings = model, settings
        self._in_onnxruntime = settings["runtimes"][0] == ONNXRUNTIME
        # So that it is not copied in each pass.
        self._batch = batch.contiguous() if self._in_onnxruntime else batch
        self._original = self._placed(model)

    def times(self, cell: Path, layers: Iterable[LayerRecord], params: int) -> dict[str, float]:
        """Milliseconds of a batch, as columns of the table."""
        key = tuple(layer["kept"] for layer in layers)
        if key not in self.found:
            net = shaped(self._model, layers)
            if (has := sum(parameter.numel() for parameter in net.parameters())) != params:
                raise InputError(
                    f"{cell}/speedup.json: its layers make {has} params, count.json says {params}"
                )
            settings = self._settings
            nets = [self._original, self._placed(net)]
            before, after = measure_latencies(nets, self._batch, settings["runs"], settings["warm_up"])
            self.found[key] = {"latency_original": before["median"], "latency_compact": after["median"]}
        return self.found[key]

    def _placed(self, net: nn.Module) -> nn.Module:
        if not self._in_onnxruntime:
            return net
        return in_onnxruntime(net, self._batch, self._settings["threads"])[0]
