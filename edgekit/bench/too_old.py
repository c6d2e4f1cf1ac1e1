"""Recognize a runtime that is too old for an artifact, and name the version that reads the file.

The texts are those of ONNX Runtime 1.15 to 1.17, tflite-runtime 2.14 and OpenVINO 2023; the versions that read an ONNX
file of a given intermediate representation were tried out.
"""

from __future__ import annotations

import re

from ..types import ONNX_IR, PACKAGES_OF, Artifact

TOO_OLD = re.compile(
    r"Unsupported model IR version: (?P<ir>\d+)"
    r"|(?P<opset>ONNX Runtime only \*guarantees\* support for models stamped with official released onnx opset)"
    r"|Didn't find op for builtin opcode '\w+' version '\d+'"
    r"|from unsupported opset: \w+|opset\d+ is not supported"
)
READS_IR = {10: "1.18"}
"""First ONNX Runtime that reads an ONNX file of this IR version."""


def advice(artifact: Artifact, message: str, device: str) -> str:
    """What to do when ``message`` means that the runtime on ``device`` is too old; empty when it does not."""
    found = TOO_OLD.search(message)
    if found is None:
        return ""
    package = PACKAGES_OF[artifact.runtime][0]
    verified = artifact.tool_versions.get(package)
    least = READS_IR.get(int(found["ir"])) if found["ir"] else None
    reads = [f"{package} {least} or newer reads it"] if least else []
    reads += [f"{package} {verified} did when it was verified"] if verified else []
    newer_ir = found["ir"] and int(found["ir"]) > ONNX_IR
    older = f"--ir-version {ONNX_IR}" if newer_ir else "--opset 15" if found["opset"] else ""
    return (
        f"the runtime on {device} is too old for this file: {', '.join(reads) or 'a newer one is needed'}; "
        f"update it there: edgekit devices prepare {device}, or pip install --upgrade {package}"
        + (f"; or export again for old runtimes: {older}" if older else "")
    )
