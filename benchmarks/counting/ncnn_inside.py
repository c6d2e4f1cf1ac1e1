"""Runs on the simulated board: one of ncnn's own benchmark networks, with marks for the plugin that counts.

Argument: a JSON file with ``site`` (folder of ncnn's wheel), ``param``, ``height``, ``width``, ``warmup`` and
``inferences``.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from contextlib import suppress
from typing import Any


def mark(number: int) -> None:
    """As the agent's ``count``."""
    with suppress(OSError):
        os.getpriority(os.PRIO_PROCESS, 0x5EED << 16 | number)


def main(path: str) -> None:
    """Load the network with empty weights, as ncnn's ``benchncnn`` does, and run it."""
    with open(path, encoding="utf-8") as stream:  # noqa: PTH123 - a path less to import on the emulated core
        request: dict[str, Any] = json.load(stream)
    sys.path.insert(0, request["site"])
    import ncnn  # type: ignore[import-not-found, unused-ignore]

    net = ncnn.Net()
    net.opt.num_threads = 1
    net.opt.use_vulkan_compute = False
    if net.load_param(request["param"]) != 0 or net.load_model(ncnn.DataReaderFromEmpty()) != 0:
        sys.exit(f"ncnn does not load {request['param']}")
    image = ncnn.Mat(request["width"], request["height"], 3)
    image.fill(0.01)
    name, result = net.input_names()[0], net.output_names()[0]

    def run() -> None:
        extractor = net.create_extractor()
        extractor.input(name, image)
        extractor.extract(result)

    gc.collect()
    gc.disable()
    for _ in range(request["warmup"] - 1):
        run()
    mark(0)
    for number in range(1 + request["inferences"]):
        run()
        mark(1 + number)
    mark(0xFFFF)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
