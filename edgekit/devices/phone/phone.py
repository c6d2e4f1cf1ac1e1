"""A phone without Python: the way to it, and launches of the ``benchmark_model`` that was put there."""

from __future__ import annotations

import base64
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...base.clean import visible
from ...base.listener import gather
from ...errors import ToolError
from . import state as phone_state
from .benchmark_output import Output, parse_output
from .benchmark_result import read_result

CALL_S, LAUNCH_S, MAX_SECS = 60.0, 300.0, 150.0
"""Deadlines: of a command, and of a launch beside its own limits; the last is benchmark_model's when none is given."""
PRINTED_BYTES = 4 << 20
"""A table of a thousand operators has 200 KB."""
STAND_IN = Path(__file__).with_name("benchmark_stand_in.py")
"""Takes the place of ``benchmark_model`` on an emulated phone."""

RUN = """
cd "$1" || exit 1
shift
chmod 755 "$1"
exec 3<&0
setsid "$@" </dev/null 3<&- &
runner=$!
{ read -r _; kill -s KILL -- "-$runner"; } <&3 >/dev/null 2>&1 &
guard=$!
exec 3<&-
wait "$runner"
code=$?
kill "$guard" 2>/dev/null
printf 'edgekit-exit %s\\n' "$code"
exit $code
"""
"""Run a program there ($1: folder, then program and arguments), killed when our end of stdin closes.

Its exit code comes last on stdout: adb's client ends with 0 when the connection breaks.
"""

GPU_NAMES = ("TfLiteGpuDelegateV2", "LiteRT GPU")


class RefusedError(ToolError):
    """A request that this runner cannot carry out, or an accelerator that did not take part."""

    kind = "request"


class Phone:
    """The way to the phone, and the runner there."""

    def __init__(self, way: Sequence[str], runner: str) -> None:
        self.way = list(way)
        self.runner = runner

    def shell(self, script: str, *arguments: str, limit_s: float = CALL_S) -> tuple[int, str]:
        """Exit code and everything printed; stdin stays open as long as ours does.

        Raises:
            ToolError: it did not end within ``limit_s``, or printed more than :data:`PRINTED_BYTES`.
        """
        command = [*self.way, shlex.join(["exec", "sh", "-c", script, "edgekit", *arguments])]
        done = gather(command, limit_s, stdin=subprocess.PIPE, most=PRINTED_BYTES, together=True, apart=False)
        if done.code is None:
            raise ToolError(f"a command on the phone {done.how(limit_s)}", "does adb shell work by hand?")
        return done.code, visible(done.stdout.decode(errors="replace"))

    def look(self) -> dict[str, str]:
        """The parts of a look at the phone."""
        code, printed = self.shell(phone_state.LOOK)
        if code or phone_state.MARK not in printed:
            raise ToolError(f"the phone does not tell its state: exit code {code}: {printed.strip()[-300:]}")
        return phone_state.sections(printed)

    def launch(self, request: dict[str, Any], **more: str) -> Output:
        """One launch of the runner, parsed.

        Raises:
            ToolError: it failed, or a GPU that was asked for took nothing.
        """
        arguments = command_line(request, **more)
        folder = self.runner.rpartition("/")[0]
        # Warm-up and inferences have a limit each; a look at the operators or a slow phone may take longer.
        limit_s = LAUNCH_S + 2 * float(more.get("max_secs", MAX_SECS))
        _, printed = self.shell(RUN, folder, self.runner, *arguments, limit_s=limit_s)
        body, ended, code = printed.rpartition("edgekit-exit ")
        if not ended:
            raise ToolError(f"the connection to the phone was lost: {printed.strip()[-300:]}")
        if code.strip() != "0":
            last = " | ".join(line.strip() for line in body.splitlines()[-4:] if line.strip())[-400:]
            raise ToolError(f"benchmark_model ended with exit code {code.strip()}: {last}")
        output = parse_output(body)
        if request.get("accelerator") == "gpu":
            on_gpu(output)
        return output

    def result(self, path: str) -> dict[str, float]:
        """The figures of a result file there.

        Raises:
            ToolError: it is not there, or no result file.
        """
        code, text = self.shell('base64 "$1"', path)
        try:
            return read_result(base64.b64decode("".join(text.split()), validate=True))
        except ValueError as error:
            raise ToolError(f"benchmark_model wrote no result file: exit code {code}: {text.strip()[-300:]}") from error


def command_line(request: dict[str, Any], **more: str) -> list[str]:
    """The flags of a launch, TFLite's names, which LiteRT's program shares; ``more`` adds and replaces some."""
    flags = {"graph": str(request["model"]), "num_threads": str(request["threads"])}
    if request.get("accelerator", "cpu") == "gpu":
        exact = "false" if request.get("inference_precision") == "f32" else "true"
        # TFLite's and LiteRT's name of the same: may a float32 model be computed in float16?
        flags |= {"use_gpu": "true", "gpu_precision_loss_allowed": exact, "allow_fp16": exact}
    elif request.get("accelerator", "cpu") != "cpu":
        raise RefusedError(
            f"benchmark_model cannot measure the {request['accelerator']} here", "--accelerator cpu or gpu"
        )
    return [f"--{name}={value}" for name, value in {**flags, **more}.items()]


def on_gpu(output: Output) -> dict[str, Any]:
    """What the GPU took.

    Raises:
        RefusedError: nothing, or it does not say: a silent run on the CPU is no measurement of a GPU.
    """
    taken = next((one for one in output.delegated if one.name in GPU_NAMES), None)
    if taken is None or taken.nodes == 0:
        why = f": {output.refusals[0]}" if output.refusals else ""
        hint = "measure the CPU (--accelerator cpu), or take a benchmark_model that has the GPU delegate"
        raise RefusedError(f"the GPU took no part in it, or did not say so{why}", hint)
    return {"name": taken.name, "gpu_ops": taken.nodes, "cpu_ops": taken.total - taken.nodes,
            "partitions": taken.partitions, "reasons": list(output.refusals), "emulated": False,
            "adapter": "the phone's GPU"}  # fmt: skip
