"""LiteRT's own profiler, through its C interface."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import time
from typing import Any, Dict, List, Tuple

from ..protocol import AgentError
from .litert import LiteRT


class LiteRTMemoryUsage(ctypes.Structure):
    """Part of :class:`LiteRTEvent`."""

    _fields_ = [("total", ctypes.c_int64), ("allocated", ctypes.c_size_t), ("in_use", ctypes.c_size_t)]


class LiteRTEvent(ctypes.Structure):
    """``ProfiledEventData`` of LiteRT's C interface."""

    _fields_ = [
        ("tag", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("start_us", ctypes.c_uint64),
        ("elapsed_us", ctypes.c_uint64),
        ("memory_before", LiteRTMemoryUsage),
        ("memory_after", LiteRTMemoryUsage),
        ("operator", ctypes.c_uint64),
        ("subgraph", ctypes.c_uint64),
        ("source", ctypes.c_int),
    ]


LITERT_OPERATOR, LITERT_DELEGATE_OPERATORS = 2, (4, 8)
"""Event types: an operator of the interpreter, and one inside a delegate."""


class LiteRTProfiler:
    """LiteRT's own profiler, which only its C interface offers; it sees inside the XNNPACK delegate.

    It needs a compiled model, so the model is opened a second time, with the same threads. On a Cortex-A72 that dies
    with SIGILL (LiteRT 2.3), which is one reason why operators are timed in a launch of their own.
    """

    def __init__(self, runtime: LiteRT, path: str) -> None:
        self.version = runtime.version
        spec = importlib.util.find_spec("ai_edge_litert")
        folder = next(iter(spec.submodule_search_locations or [""])) if spec else ""
        self.library = ctypes.CDLL(os.path.join(folder, "libLiteRt.so"))
        libc = ctypes.CDLL(None)
        libc.strdup.restype, libc.strdup.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
        free = ctypes.cast(libc.free, ctypes.c_void_p)

        environment = self.create("LiteRtCreateEnvironment", ctypes.c_int(0), None)
        model = self.create("LiteRtCreateModelFromFile", environment, path.encode())
        options = self.create("LiteRtCreateOptions")
        self.call("LiteRtSetOptionsHardwareAccelerators", options, ctypes.c_int(1))  # the CPU
        settings = {
            "runtime_options_string": "enable_profiling = true",
            "xnnpack": "num_threads = %d" % runtime.threads,
        }
        for name, toml in settings.items():
            payload = ctypes.c_void_p(libc.strdup(toml.encode()))
            opaque = self.create("LiteRtCreateOpaqueOptions", name.encode(), payload, free)
            self.call("LiteRtAddOpaqueOptions", options, opaque)
        self.model = self.create("LiteRtCreateCompiledModel", environment, model, options)
        self.profiler = self.create("LiteRtCompiledModelGetProfiler", self.model)
        signature = self.create("LiteRtGetModelSignature", model, ctypes.c_size_t(0))
        self.buffers: Dict[str, Any] = {}
        for side, count in (("Input", len(runtime.inputs)), ("Output", len(runtime.outputs))):
            made = [self.buffer(side, index, environment, signature) for index in range(count)]
            self.buffers[side] = (ctypes.c_void_p * count)(*made)
        for index, buffer in enumerate(self.buffers["Input"]):
            # The interpreter holds the input that the request means.
            data = runtime.interpreter.get_tensor(runtime.input_details[index]["index"]).tobytes()
            address = self.create("LiteRtLockTensorBuffer", ctypes.c_void_p(buffer), after=(ctypes.c_int(1),))
            ctypes.memmove(address, data, len(data))
            self.call("LiteRtUnlockTensorBuffer", ctypes.c_void_p(buffer))

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function that returns a status."""
        function = getattr(self.library, name)
        function.restype = ctypes.c_int
        status = function(*arguments)
        if status != 0:
            raise AgentError("model", "LiteRT %s: %s failed with status %d" % (self.version, name, status))

    def create(self, name: str, *arguments: Any, after: Tuple[Any, ...] = ()) -> ctypes.c_void_p:
        """Call a function that writes a pointer, which is its last argument but for ``after``."""
        made = ctypes.c_void_p()
        self.call(name, *arguments, ctypes.byref(made), *after)
        return made

    def buffer(self, side: str, index: int, environment: Any, signature: Any) -> Any:
        """Memory for one input or output."""
        number = ctypes.c_size_t(index)
        tensor = self.create("LiteRtGetSignature%sTensorByIndex" % side, signature, number)
        kind = ctypes.create_string_buffer(1024)  # a LiteRtRankedTensorType, and room to spare
        self.call("LiteRtGetRankedTensorType", tensor, kind)
        needs = self.create("LiteRtGetCompiledModel%sBufferRequirements" % side, self.model, ctypes.c_size_t(0), number)
        return self.create("LiteRtCreateManagedTensorBufferFromRequirements", environment, kind, needs)

    def run(self) -> List[Tuple[str, str, int]]:
        """Name, type and nanoseconds of every operator of one inference, in order; LiteRT counts whole microseconds."""
        inputs, outputs = self.buffers["Input"], self.buffers["Output"]
        self.call("LiteRtResetProfiler", self.profiler)
        self.call("LiteRtStartProfiler", self.profiler)
        begin = time.perf_counter_ns()
        self.call(
            "LiteRtRunCompiledModel", self.model, ctypes.c_size_t(0),
            ctypes.c_size_t(len(inputs)), inputs, ctypes.c_size_t(len(outputs)), outputs,
        )  # fmt: skip
        elapsed = time.perf_counter_ns() - begin
        self.call("LiteRtStopProfiler", self.profiler)
        count = ctypes.c_int()
        self.call("LiteRtGetNumProfilerEvents", self.profiler, ctypes.byref(count))
        events = (LiteRTEvent * (2 * count.value + 1))()  # twice the room, should a newer LiteRT's events be larger
        self.call("LiteRtGetProfilerEvents", self.profiler, count, events)
        found = []
        for event in events[: count.value]:
            if event.type == LITERT_OPERATOR or event.type in LITERT_DELEGATE_OPERATORS:
                where = "operator" if event.type == LITERT_OPERATOR else "delegate operator"
                found.append(("%s %d" % (where, event.operator), event.tag.decode(), event.elapsed_us * 1000))
        if not found or sum(ns for _, _, ns in found) > elapsed:
            raise AgentError("model", "the events of LiteRT %s's profiler do not add up" % self.version)
        return found
