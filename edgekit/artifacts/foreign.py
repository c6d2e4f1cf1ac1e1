"""Foreign model files as artifacts: inspected, hashed, and marked as unverified.

The file is copied to a folder of the cache, by its content, with a manifest beside it; so it can be measured, compared,
gated and reported like any other artifact.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from .. import __version__
from ..base.files import check_regular, sha256_file, staged_folder
from ..base.folders import foreign_folder
from ..base.inside import inside
from ..base.owned import MANIFEST
from ..base.processes.isolate import run_isolated
from ..base.scratch import scratch_folder
from ..base.target import host_target
from ..errors import EdgekitError, UsageError
from ..types import RUNTIME_OF, Artifact, Format, QuantParams, Stored, TensorSpec, WeightsProvenance
from ..types.answers import InspectAnswer, Port
from ..types.artifacts import LARGEST_FILE_BYTES, FileEntry
from ..types.base import LONGEST_NAME, IoType, Layout, is_name
from ..verify.damaged import check_beginning, cut
from ..verify.sets_of_inputs import Shapes
from .children import foreign_jobs
from .children.asking import ask_here
from .children.imports import examination
from .requests import Examined, ExamineRequest, ExternalRequest, Numbers, NumbersRequest
from .store import read_manifest, write_manifest

FORMAT_OF: dict[str, Format] = {".onnx": "onnx", ".tflite": "tflite", ".xml": "openvino"}
TIMEOUT_S = 300.0


def is_model_file(path: Path) -> bool:
    """True for a file that looks like the model file of a runtime."""
    return path.suffix.lower() in FORMAT_OF and path.is_file()


def adopt(path: Path, shapes: Shapes) -> Stored:
    """A model file as an unverified artifact; the result of the inspection is cached.

    Args:
        path: the file that a runtime opens.
        shapes: of inputs that it leaves open; one size for an ONNX input without dimensions is its value, for good.

    Raises:
        UsageError: it is none that its runtime opens, an input's shape is open, or a file that it names is not there.
        ToolError: its runtime is not installed, or fails.
    """
    format_ = FORMAT_OF[path.suffix.lower()]
    check_beginning(check_regular(path), format_)
    values = {name: shape[0] for name, shape in shapes.items() if name and len(shape) == 1}
    if format_ != "onnx" or not values:
        return taken_in(path, path, shapes, {})
    files_of(path, format_)  # which looks whether its graph and its weights are sound
    with scratch_folder("numbers") as folder:
        made = folder / "model.onnx"
        fixed = numbers_of(path, values, made).fixed
        rest = {name: shape for name, shape in shapes.items() if name not in fixed}
        return taken_in(made if fixed else path, path, rest, {name: values[name] for name in fixed})


def numbers_of(path: Path, values: Mapping[str, int], made: Path) -> Numbers:
    """The inputs of an ONNX file that have no dimensions; with values for some, a copy that has those."""
    request = NumbersRequest(model_file=path.absolute(), values=dict(values), made=made)
    return run_isolated(foreign_jobs.numbers, request, TIMEOUT_S, f"reading {path.name}", imports=examination("onnx"))


def taken_in(path: Path, origin: Path, shapes: Shapes, values: Mapping[str, int]) -> Stored:
    """See :func:`adopt`.

    Args:
        path: the file, or the copy with values for some inputs.
        origin: the file that the user named.
        shapes: of inputs that it leaves open.
        values: of inputs that the copy has no more.
    """
    format_ = FORMAT_OF[path.suffix.lower()]
    files = files_of(path, format_)
    digest = hashlib.sha256()
    for name, file in files.items():
        digest.update(f"{name} {sha256_file(file)}\n".encode())
    digest.update(json.dumps({name: list(shape) for name, shape in sorted(shapes.items())}).encode())
    root = foreign_folder() / digest.hexdigest()[:16]
    model = model_name(origin)
    known = sorted(root.glob(f"{model}/*/{MANIFEST}"))
    if known:
        try:
            found = read_manifest(known[0].parent)
            if found.artifact.tool_versions.get("edgekit") == __version__:
                artifact = found.artifact.model_copy(update={"origin": str(origin)})
                if artifact != found.artifact:
                    write_manifest(found.folder, artifact)  # the same file may lie elsewhere now
                return Stored(found.folder, artifact)
        except UsageError:
            pass  # of another version, or damaged: it is made again below
    facts, examined = look_into(path, format_, shapes, origin)
    final = root / model / f"{format_}-{examined.precision}-unverified"
    with staged_folder(final) as folder:
        for name, file in files.items():
            shutil.copyfile(file, folder / name)
        artifact = describe(origin, folder, tuple(files), format_, shapes, facts, examined)
        notes = tuple(f"the input {name} is always {value}, as --input says" for name, value in values.items())
        artifact = artifact.model_copy(update={"notes": notes, "input_values": dict(values)})
        write_manifest(folder, artifact)
    return Stored(final, artifact)


def files_of(path: Path, format_: Format) -> dict[str, Path]:
    """The files that belong to a model, by the names that they get; the one that a runtime opens first.

    Raises:
        UsageError: one is missing, has a name that cannot be kept, or is of absurd size.
    """
    files = {f"model{path.suffix.lower()}": path}
    if format_ == "openvino":
        files["model.bin"] = path.with_suffix(".bin")
    if format_ == "onnx":
        wanted = ExternalRequest(model_file=path.absolute())
        what, imports, ours = f"reading {path.name}", examination(format_), tuple(files)
        for name in run_isolated(foreign_jobs.external_files, wanted, TIMEOUT_S, what, imports=imports).names:
            if not is_name(name) or name.lower() in (MANIFEST, *ours):
                raise UsageError(f"{path}: the name of its external data, {name!r}, cannot be kept", "rename that file")
            files[name] = inside(path.parent, name, field="the location of external data")
    for file in files.values():
        if not file.is_file():
            raise UsageError(
                f"{path} has its weights in {file.name}, which is not beside it", f"put it into {path.parent}"
            )
        if file.stat().st_size > LARGEST_FILE_BYTES:
            raise UsageError(
                f"{file} has {file.stat().st_size / 1e9:,.0f} GB, and edgekit copies up to "
                f"{LARGEST_FILE_BYTES / 1e9:.0f} GB",
                "was that file copied whole? take it from its source again",
            )
    return files


def look_into(path: Path, format_: Format, shapes: Shapes, origin: Path) -> tuple[InspectAnswer, Examined]:
    """The runtime's account of the file, and the conclusions from it; errors name that of the user, ``origin``."""
    asked = {name: list(shape) for name, shape in shapes.items()}
    request = {"model": str(path.resolve()), "threads": 1, "shapes": asked}
    try:
        facts = ask_here(InspectAnswer, RUNTIME_OF[format_], request, TIMEOUT_S, f"looking into {origin}")
    except EdgekitError as error:
        damaged = cut(path, format_, str(error))
        if damaged is not None:
            raise damaged from error
        if not error.hint:
            bare = numbers_of(path, {}, path).names if format_ == "onnx" else ()
            error.hint = f"can {RUNTIME_OF[format_]} of this machine run it? its message above says why not"
            if bare:
                said = f"the input {bare[0]!r} is one number, tried as 0 or 1: give the one in use"
                error.hint = f"{said}, as --input {bare[0]}=16000"
        raise
    fixed = {port.name: port.shape for port in facts.inputs}
    request_ = ExamineRequest(facts=facts, model_file=path.resolve(), format=format_, shapes=fixed)
    what, imports = f"reading {origin.name}", examination(format_)
    return facts, run_isolated(foreign_jobs.examine, request_, TIMEOUT_S, what, imports=imports)


def describe(
    path: Path,
    folder: Path,
    names: tuple[str, ...],
    format_: Format,
    shapes: Shapes,
    facts: InspectAnswer,
    examined: Examined,
) -> Artifact:
    """The manifest of an inspected file; its copies are in ``folder``."""
    inputs, outputs = ends_of(facts)
    given = {inputs[0].name if name == "" else name: tuple(shape) for name, shape in shapes.items()}
    io: IoType = next((kind for kind in ("int8", "uint8") if inputs[0].dtype == kind), "float32")
    files = tuple(
        FileEntry(name=n, size_bytes=(folder / n).stat().st_size, sha256=sha256_file(folder / n)) for n in names
    )
    return Artifact(
        model=model_name(path),
        profile=f"{format_}-{examined.precision}-unverified",
        format=format_,
        precision=examined.precision,
        io=io,
        target=host_target(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        files=files,
        inputs=inputs,
        outputs=outputs,
        params=examined.parameters,
        macs=examined.macs,
        weights=WeightsProvenance(kind="file", source=path.name, sha256=files[0].sha256, layout=""),
        calibration=None,
        quantization=None,
        rewrites=(),
        parity=None,
        parity_data=None,
        audit=examined.audit,
        tool_versions={"edgekit": __version__, RUNTIME_OF[format_]: facts.runtime_version},
        command="",
        convert_seconds=0.0,
        origin=str(path),
        input_shapes=given,
    )


def ends_of(facts: InspectAnswer) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Inputs and outputs as the agent's ``inspect`` tells them."""
    return (
        tuple(spec_of(port, image_layout(port.shape)) for port in facts.inputs),
        tuple(spec_of(port, "NC" if len(port.shape) == 2 else "unknown") for port in facts.outputs),
    )


def spec_of(port: Port, layout: Layout) -> TensorSpec:
    """An input or output as the runtime tells it."""
    quantized = None
    if port.scale is not None and port.zero_point is not None:
        quantized = QuantParams(scale=port.scale, zero_point=port.zero_point)
    return TensorSpec(name=port.name, shape=port.shape, layout=layout, dtype=port.dtype, quantization=quantized)


def image_layout(shape: Sequence[int]) -> Layout:
    """The layout that the shape of an input looks like: images have one, three or four channels."""
    if len(shape) == 4 and shape[1] in (1, 3, 4):
        return "NCHW"
    if len(shape) == 4 and shape[3] in (1, 3, 4):
        return "NHWC"
    return "NC" if len(shape) == 2 else "unknown"


def model_name(path: Path) -> str:
    """The name of a foreign model: that of its file, or of the folder of a file called ``model``."""
    stem = path.absolute().parent.name if path.stem.lower() == "model" else path.stem
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", stem).strip("._-")[: LONGEST_NAME - 20].rstrip(".")
    return name if is_name(name) else "model"
