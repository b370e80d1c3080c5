"""An ONNX model in int8, by onnxruntime's static quantisation."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor

CALIBRATION_BATCH = 64


class _Calibration(CalibrationDataReader):
    """Batches of images for onnxruntime."""

    def __init__(self, images: Tensor) -> None:
        self._batches = ({"images": batch.contiguous().numpy()} for batch in images.split(CALIBRATION_BATCH))

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next batch; None after the last."""
        return next(self._batches, None)


def quantize_onnx(content: bytes, images: Tensor) -> bytes:
    """An ONNX model whose convolutions, linear layers and sums compute in int8.

    Weights are int8 with one scale per output channel (Jacob et al. 2018, arXiv:1712.05877, section 3).
    Values between layers are uint8, because x86's int8 instructions multiply unsigned by signed numbers;
    their scale spans the smallest to the largest value on the calibration images. On x86 CPUs without VNNI
    the sums of these instructions can saturate.

    Args:
        content: the float32 model, of `images` (n, 3, size, size) to `logits`.
        images: to calibrate on, float32, (n, 3, size, size).
    """
    with tempfile.TemporaryDirectory() as folder:
        before, prepared, after = (Path(folder) / f"{name}.onnx" for name in ("float32", "prepared", "int8"))
        before.write_bytes(content)
        quant_pre_process(before, prepared)
        quantize_static(
            prepared,
            after,
            _Calibration(images),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return after.read_bytes()
