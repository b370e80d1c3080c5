"""The document of a net's counts, made up."""


def counted(cell: dict, original: int, left: int) -> dict:
    """A `count.json` of a cell whose net lost as many params as FLOPs.

    Args:
        cell: its record.
        original: params, FLOPs and multiply-accumulates of the unpruned net.
        left: the same of the compact net.
    """
    pair = {"original": original, "speedup": left}
    return {
        "cell": cell,
        "convention": "nni-full",
        "input_shape": [3, 32, 32],
        "params": pair,
        "flops": pair,
        "conv_linear_macs": pair,
        "second_counter": {"name": "thop", "params": pair, "conv_linear_macs": pair},
        "provenance": {"device": "cpu", "threads": 1, "versions": {}, "inputs": {}},
    }
