"""BatchNorm with a ReLU behind it as one computation in C, which the machine's own compiler translates.

torch reads and writes a layer's output once for each of mean, variance, normalisation and ReLU, and again in
the backward pass. With channels last and few channels it does so without vector instructions. The source is
part of this module, so that the digests of the code that makes a net cover it.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import secrets
import shutil
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path

from filterbench.storage.errors import InputError

# Beside what Snakemake and the workflow keep for themselves. A library is of one kind of processor.
FOLDER = Path(".snakemake/kernels")
FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared")

# x, y and their gradients are rows (images times places) of channels. Several rows of a narrow layer are
# taken as one, of `period` numbers, whose length is a multiple of that of a vector. Sums are of float in a
# block of rows, and of double over the blocks.
SOURCE = r"""
#include <math.h>
#include <string.h>
#define BLOCK 64

static long period_of(long channels) {
    long vector = 16;
    while (channels % vector) vector /= 2;
    return channels < 64 ? channels * (16 / vector) : channels;
}

static void spread(const float *each, float *to, long channels, long period) {
    for (long i = 0; i < period; i++) to[i] = each[i % channels];
}

static void fold(const double *from, double *each, long channels, long period) {
    memset(each, 0, channels * sizeof *each);
    for (long i = 0; i < period; i++) each[i % channels] += from[i];
}

static long shorter(long a, long b) { return a < b ? a : b; }

void forward(const float *restrict x, float *restrict y, const float *weight, const float *bias,
             float *running_mean, float *running_variance, float *mean, float *scale,
             long rows, long channels, float momentum, float epsilon, float low, float high) {
    long period = period_of(channels), size = rows * channels;
    double total[period], each[channels];
    float part[period], middle[period], slope[period], offset[period];
    memset(middle, 0, sizeof middle);
    for (int squares = 0; squares < 2; squares++) {
        memset(total, 0, sizeof total);
        for (long start = 0; start < size;) {
            memset(part, 0, sizeof part);
            for (long row = 0; row < BLOCK && start < size; row++, start += period) {
                long length = shorter(period, size - start);
                const float *from = x + start;
                for (long i = 0; i < length; i++) {
                    float value = from[i] - middle[i];
                    part[i] += squares ? value * value : value;
                }
            }
            for (long i = 0; i < period; i++) total[i] += part[i];
        }
        fold(total, each, channels, period);
        if (squares) break;
        for (long c = 0; c < channels; c++) mean[c] = each[c] / rows;
        spread(mean, middle, channels, period);
    }
    for (long c = 0; c < channels; c++) {
        scale[c] = 1 / sqrt(each[c] / rows + epsilon);
        running_mean[c] += momentum * (mean[c] - running_mean[c]);
        running_variance[c] += momentum * ((float)(each[c] / (rows - 1)) - running_variance[c]);
    }
    for (long i = 0; i < period; i++) {
        long c = i % channels;
        slope[i] = weight[c] * scale[c];
        offset[i] = bias[c];
    }
    for (long start = 0; start < size; start += period) {
        long length = shorter(period, size - start);
        const float *from = x + start;
        float *to = y + start;
        for (long i = 0; i < length; i++) {
            float value = (from[i] - middle[i]) * slope[i] + offset[i];
            /* Written so that what is not a number stays so. */
            value = value < low ? low : value;
            to[i] = value > high ? high : value;
        }
    }
}

void backward(const float *restrict dy, const float *restrict x, const float *restrict y, const float *weight,
              const float *mean, const float *scale, float *restrict dx, float *dweight, float *dbias,
              long rows, long channels, float low, float high) {
    long period = period_of(channels), size = rows * channels;
    double total[period], total_x[period], each[channels], each_x[channels];
    float part[period], part_x[period], middle[period], slope[period], slope_x[period], offset[period];
    spread(mean, middle, channels, period);
    memset(total, 0, sizeof total);
    memset(total_x, 0, sizeof total_x);
    for (long start = 0; start < size;) {
        memset(part, 0, sizeof part);
        memset(part_x, 0, sizeof part_x);
        for (long row = 0; row < BLOCK && start < size; row++, start += period) {
            long length = shorter(period, size - start);
            for (long i = 0; i < length; i++) {
                float out = y[start + i], passed = out <= low || out >= high ? 0 : dy[start + i];
                part[i] += passed;
                part_x[i] += passed * (x[start + i] - middle[i]);
            }
        }
        for (long i = 0; i < period; i++) total[i] += part[i], total_x[i] += part_x[i];
    }
    fold(total, each, channels, period);
    fold(total_x, each_x, channels, period);
    for (long c = 0; c < channels; c++) {
        dbias[c] = each[c];
        dweight[c] = each_x[c] * scale[c];
    }
    for (long i = 0; i < period; i++) {
        long c = i % channels;
        slope[i] = weight[c] * scale[c];
        slope_x[i] = -slope[i] * scale[c] * scale[c] * (each_x[c] / rows);
        offset[i] = -slope[i] * (each[c] / rows);
    }
    for (long start = 0; start < size; start += period) {
        long length = shorter(period, size - start);
        for (long i = 0; i < length; i++) {
            float out = y[start + i], passed = out <= low || out >= high ? 0 : dy[start + i];
            dx[start + i] = slope[i] * passed + slope_x[i] * (x[start + i] - middle[i]) + offset[i];
        }
    }
}
"""


@cache
def library() -> ctypes.CDLL:
    """The functions `forward` and `backward` of `SOURCE`, compiled if this kind of processor has none yet.

    Raises:
        InputError: there is no C compiler, or it cannot compile them.
    """
    described = "\n".join([SOURCE, *FLAGS, platform.machine(), _processor()])
    path = FOLDER / f"{hashlib.sha256(described.encode()).hexdigest()[:16]}.so"
    if not path.exists():
        _compile(path)
    loaded = ctypes.CDLL(str(path.resolve()))
    tensor, number, real = ctypes.c_void_p, ctypes.c_long, ctypes.c_float
    loaded.forward.argtypes = [*8 * [tensor], *2 * [number], *4 * [real]]
    loaded.backward.argtypes = [*9 * [tensor], *2 * [number], *2 * [real]]
    for function in (loaded.forward, loaded.backward):
        function.restype = None
    return loaded


def _compile(path: Path) -> None:
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if not compiler:
        raise InputError(
            "arithmetic: fused needs a C compiler, and there is no cc; install one (Debian: apt install gcc) "
            "or remove the setting"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    # Several jobs may compile at once; the file appears when it is complete.
    partial = path.with_suffix(f".{secrets.token_hex(8)}")
    command = [compiler, *FLAGS, "-x", "c", "-", "-o", str(partial), "-lm"]
    run = subprocess.run(command, input=SOURCE, text=True, capture_output=True)
    if run.returncode:
        reason = run.stderr.partition("\n")[0]
        raise InputError(f"arithmetic: fused: {compiler} failed ({reason}); remove the setting")
    partial.replace(path)


def _processor() -> str:
    """What decides which instructions the compiler uses."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        named = ("model name", "flags", "Features")
        return "\n".join(sorted({line for line in lines if line.startswith(named)}))
    return platform.processor()
