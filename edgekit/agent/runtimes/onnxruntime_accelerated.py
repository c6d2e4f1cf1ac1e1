"""ONNX Runtime on a GPU or an NPU."""

from __future__ import annotations

import sys
import tempfile
from typing import Any, Dict, Optional

from ..protocol import AgentError
from ..providers import PROVIDERS
from .native_output import said_meanwhile
from .onnxruntime import OnnxRuntime, kernel_events
from .onnxruntime_delegation import assigned_nodes, provider_delegation, refuse_device_errors
from .onnxruntime_providers import provider_adapter, provider_failure, provider_options


class OnnxRuntimeGpu(OnnxRuntime):
    """ONNX Runtime with an execution provider for an accelerator; what that does not take runs on the CPU.

    An inference ends with its outputs in the CPU's memory. A provider that does not start is replaced by the CPU, which
    ONNX Runtime only mentions, and one that starts may take nothing: both are errors here.

    Attributes:
        provider: a key of ``PROVIDERS``, see :meth:`choose`.
        delegation: who ran what, from the profile of one inference; see :meth:`prove`.
    """

    accelerator = "gpu"

    def __init__(self, threads: int, precision: str = "f32") -> None:
        super().__init__(threads, precision)
        self.precision = precision
        self.provider = ""
        self.provider_name = ""
        self.provider_options: Dict[str, str] = {}

    def choose(self, wanted: Optional[str]) -> None:
        """Take the provider ``wanted``, or the first that this build of ONNX Runtime has for the accelerator.

        Raises AgentError when there is none.
        """
        able = [key for key, one in PROVIDERS.items() if self.accelerator in one]
        if wanted is not None and wanted not in able:
            what = "has no %s" % self.accelerator.upper() if wanted in PROVIDERS else "is not one"
            raise AgentError("request", "the execution provider %r %s; for the %s there are %s" % (
                wanted, what, self.accelerator.upper(), ", ".join(able)))  # fmt: skip
        able = able if wanted is None else [wanted]
        offered = self.api.get_available_providers()
        there = [key for key in able if PROVIDERS[key]["name"] in offered]
        if not there:
            packages = " or ".join("%s (%s)" % (PROVIDERS[key]["package"], key) for key in able)
            what = "the execution provider " + wanted if wanted else "any for the " + self.accelerator.upper()
            raise AgentError("missing-provider", "ONNX Runtime %s of %s was built with %s, without %s; it takes the "
                             "package %s, in an environment without the package onnxruntime" % (
                self.version, sys.executable, " and ".join(offered), what, packages))  # fmt: skip
        self.provider = there[0]
        self.provider_name = PROVIDERS[self.provider]["name"]
        self.provider_options, computes = provider_options(self.provider, self.accelerator, self.precision)
        if self.provider == "cuda" and hasattr(self.api, "preload_dlls"):
            self.api.preload_dlls()  # CUDA and cuDNN as packages, which the loader does not find by itself
        self.settings["execution_provider"] = self.provider_name
        self.settings.update(self.provider_options)
        self.settings[self.accelerator + "_precision"] = computes

    def open(self, model: str, options: Any) -> Any:
        """A session on the accelerator and the CPU. Raises AgentError when it would be the CPU alone."""
        providers = [(self.provider_name, self.provider_options), "CPUExecutionProvider"]
        failure: Any = None
        session: Any = None
        with said_meanwhile() as said:
            try:
                session = self.api.InferenceSession(model, options, providers=providers, enable_fallback=0)
            except Exception as error:  # noqa: BLE001  (it is raised below, when the output is ours again)
                failure = error
        if failure is not None or self.provider_name not in session.get_providers():
            reason = provider_failure(said[0], failure)
            raise AgentError("accelerator", "ONNX Runtime does not open the model on its %s: %s" % (
                self.provider_name, reason)) from failure  # fmt: skip
        refuse_device_errors(self.provider_name, said[0])
        session.disable_fallback()  # an inference that fails there would be repeated on the CPU
        return session

    def prove(self, model: str) -> None:
        """Find in a session of its own who runs which operator, so that the measured one has no profiler.

        Raises AgentError when nothing runs on the accelerator, or it reports errors.
        """
        with tempfile.TemporaryDirectory(prefix="edgekit-agent-") as folder, said_meanwhile(aloud=False) as said:
            options = self.options(folder)
            options.log_severity_level = 0  # says why an operator is left
            options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
            session = self.open(model, options)
            session.run(self.output_names, self.feed)
            events = kernel_events(session)
            assigned = assigned_nodes(session)
        refuse_device_errors(self.provider_name, said[0])
        adapter, emulated = provider_adapter(self.provider, self.accelerator)
        ran = [(e["args"]["provider"], e["args"]["op_name"], e["name"][: -len("_kernel_time")]) for e in events]
        found = provider_delegation(self.provider_name, ran, assigned, said[0])
        self.delegation = dict(found, name=self.provider_name, adapter=adapter, emulated=emulated)
        self.settings["adapter"] = adapter


class OnnxRuntimeNpu(OnnxRuntimeGpu):
    """ONNX Runtime with an execution provider for an NPU."""

    accelerator = "npu"
