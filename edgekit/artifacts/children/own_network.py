"""The steps of the export of a user's own network that need PyTorch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ...convert.any.job import AnyConverted, AnyJob, Nearness
from ...convert.any.refused import converter_refusal, refused
from ...convert.any.repeated import with_each_once
from ...errors import EdgekitError, UsageError
from ...types import Format, NetworkFacts, ParityTolerance
from ...types.commands import PROGRAMS
from ...verify.onnx_sound import LARGEST_FILE
from ...verify.sets_of_inputs import load_arrays, save_arrays
from ...zoo.facts import facts_of_run
from ..outputs import RARE_IN_INT8, compare_output
from ..own.flat import flattened
from ..own.named import input_names, taking
from ..own.program import Tensors, as_tensors, exported, outputs_of, rewritten
from ..own.program_file import of_file, of_program
from ..own.requests import (
    FactsRequest,
    OwnConvertRequest,
    OwnSource,
    Program,
    ReferenceMade,
    ReferenceRequest,
    Sized,
    Traced,
    TraceRequest,
)
from ..own.source import EXAMPLES, Examples, build_network, example_inputs, import_code

STEADY = 1e-5
"""Largest difference between two runs on one input, relative to the largest value."""
FARTHER_DB = 6.0
"""How far beyond its bounds an output counts that keeps those in dB and misses another: half of the error is to go."""


def trace(request: TraceRequest) -> Traced:
    """Build a network, run it once, and keep a traced program for each list of rewrites.

    Raises:
        UsageError: the code fails, the weights or the inputs do not fit, or the network cannot be traced.
    """
    network, examples = built(request.source, request.weights)
    refuse_large(network)
    refuse_quantized(network)
    network, given = chosen_inputs(network, examples, request.asked)
    names, inputs = tuple(given), tuple(given.values())
    refuse_types(given, "input")
    empty = next((name for name, value in given.items() if not value.numel()), None)
    if empty is not None:
        raise UsageError(f"the input {empty} is empty: {list(given[empty].shape)}", "give one of the size in use")
    network = flattened(network, inputs)
    outputs = outputs_of(network, inputs)
    refuse_types(outputs, "output")
    for name, value in outputs.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise UsageError(f"the output {name} of the network is not finite", "look at its weights and its inputs")
    refuse_unsteady(network, inputs, outputs)
    programs, paths = [], dict[object, Path]()
    for number, wanted in enumerate(request.rewrites):
        made, done, note = rewritten(network, inputs, wanted)
        effect = tuple((one.name, one.count) for one in done if one.count)
        if effect not in paths:  # most forms come to the same, and a large network takes long
            paths[effect] = request.folder / f"program-{number}.pt2"
            exported(made, inputs, paths[effect])
        programs.append(Program(path=paths[effect], rewrites=done, note=note))
    return Traced(
        inputs=tuple(sized(name, tensor) for name, tensor in zip(names, inputs, strict=True)),
        outputs=tuple(sized(name, tensor) for name, tensor in outputs.items()),
        programs=tuple(programs),
        params=sum(p.numel() for p in network.parameters()),
        state_sha256=digest(network),
    )


def refuse_types(ends: dict[str, torch.Tensor], kind: str) -> None:
    """Make sure that inputs or outputs are of types that files and runtimes have.

    Raises:
        UsageError: one is bfloat16, complex, or another that NumPy lacks.
    """
    for name, value in ends.items():
        dtype = str(value.dtype).removeprefix("torch.")
        if value.is_complex() or not hasattr(np, {"bool": "bool_"}.get(dtype, dtype)):
            raise UsageError(
                f"the {kind} {name} of the network is {dtype}, which no runtime here takes",
                "build it with .float(), and give float32 inputs; --fp16 stores the weights in half the space",
            )


def refuse_unsteady(network: nn.Module, inputs: Tensors, first: dict[str, torch.Tensor]) -> None:
    """Make sure that a network gives the same again: an artifact keeps nothing from one inference to the next.

    Raises:
        UsageError: its buffers change what it gives, or it draws random numbers.
    """
    before = {name: value.detach().clone() for name, value in network.named_buffers()}
    again = outputs_of(network, inputs)
    other = [name for name, value in first.items() if not alike(value, again[name])]
    if not other:
        return
    changed = [name for name, value in network.named_buffers() if not torch.equal(value, before[name])]
    if changed:
        raise UsageError(
            f"the network changes its buffer {changed[0]} while it runs, and with it the output {other[0]}; an "
            "artifact keeps nothing from one inference to the next",
            "take the state as an input and give the new one as an output",
        )
    raise UsageError(
        f"the network gives another {other[0]} for the same input: it draws random numbers",
        "leave noise and dropout out in eval mode: F.dropout(x, p, training=self.training)",
    )


def alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two outputs are the same, but for the rounding of threads."""
    if one.shape != other.shape or not one.is_floating_point():
        return torch.equal(one, other)
    return not one.numel() or float((one - other).abs().max()) <= STEADY * float(one.abs().max())


def refuse_large(network: nn.Module) -> None:
    """Make sure that the files can hold a network's weights.

    Raises:
        UsageError: they are more than protobuf and flatbuffers take.
    """
    size = sum(one.numel() * one.element_size() for one in (*network.parameters(), *network.buffers()))
    if size > LARGEST_FILE:
        raise UsageError(
            f"the network has {size / 1e9:.1f} GB of weights, and ONNX and TFLite files hold 2 GB",
            "edgekit is for networks of edge devices: export a smaller one, or a part of it",
        )


def refuse_quantized(network: nn.Module) -> None:
    """Make sure that a network computes in floats.

    Raises:
        UsageError: PyTorch has quantized a layer of it.
    """
    for name, module in network.named_modules():
        kind = f"{type(module).__module__}.{type(module).__qualname__}"
        if ".quantized." in kind and kind.startswith("torch."):
            raise UsageError(
                f"the network is quantized: its layer {name!r} is a {kind}, which no converter here takes",
                "export the float network; --int8 quantizes it",
            )


def facts(request: FactsRequest) -> NetworkFacts:
    """Build a network and run it once, on random inputs or those of its code.

    Raises:
        UsageError: the code fails, or the inputs of the network are not known.
    """
    network, examples = built(request.source, None)
    network, given = chosen_inputs(network, examples, request.asked)
    inputs = tuple(given.values())
    network = flattened(network, inputs)
    outputs_of(network, inputs)  # which says what is wrong where it fails
    return facts_of_run(network, inputs)


def built(source: OwnSource, weights: Path | None) -> tuple[nn.Module, Examples | None]:
    """The network, and the example inputs by name from its code or program."""
    if source.program is not None:
        return of_program(source.program)
    if source.place.endswith(PROGRAMS):
        return of_file(source.folder / source.place, weights)
    module = import_code(source.place, source.folder)
    network = build_network(module, source.factory, weights)
    return example_inputs(module, network)


def chosen_inputs(
    network: nn.Module, examples: Examples | None, asked: tuple[Sized, ...]
) -> tuple[nn.Module, Examples]:
    """The network as it takes the inputs, and a value for each by name: as asked for, else the examples.

    Raises:
        UsageError: neither says it, or a name is none of the network's.
    """
    if not asked:
        if examples is None:
            hint = f"give --input 1x3x224x224, or a function {EXAMPLES}() in the code"
            raise UsageError("the inputs of the network are not known", hint)
        return network, examples
    names = input_names(network, len(asked))
    by_name = {one.name or names[place]: one for place, one in enumerate(asked)}
    if set(by_name) != set(names):
        network, names = taking(network, by_name, "--input")
    generator = torch.Generator().manual_seed(0)
    return network, {name: random_tensor(by_name[name], generator) for name in names}


def random_tensor(one: Sized, generator: torch.Generator) -> torch.Tensor:
    """A value of an input: 0 to 1 for floats, 0 and 1 for integers, which may be indices."""
    dtype: torch.dtype = getattr(torch, one.dtype)
    if dtype.is_floating_point:
        return torch.rand(one.shape, generator=generator, dtype=dtype)
    return torch.randint(0, 2, one.shape, generator=generator).to(dtype)


def sized(name: str, tensor: torch.Tensor) -> Sized:
    """Name, shape and type of a tensor."""
    dtype = str(tensor.dtype).removeprefix("torch.")
    wide = tensor.element_size() > 1 and not tensor.is_floating_point() and bool(tensor.numel())
    codes = max(2, int(tensor.max()) + 1) if wide else 2
    return Sized(name=name, shape=tuple(tensor.shape), dtype=dtype, codes=codes)


def digest(network: nn.Module) -> str:
    """Digest of the names and values of its state."""
    found = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        found.update(key.encode())
        if isinstance(value, torch.Tensor):
            found.update(value.detach().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def reference(request: ReferenceRequest) -> ReferenceMade:
    """Run a program on every set of inputs and keep its outputs, float32 or as they are.

    Raises:
        UsageError: an output is not finite, or its size depends on the data.
    """
    network = torch.export.load(request.program).module()
    sets = load_arrays(request.sets)
    taken: dict[str, list[Any]] = {}
    for number in range(len(sets[0])):
        made = outputs_of(network, as_tensors([array[number] for array in sets]))
        for name, value in made.items():
            if value.is_floating_point() and not bool(torch.isfinite(value).all()):
                raise UsageError(
                    f"the output {name} is not finite for set {number} of the inputs", "leave that set out"
                )
            before = taken.setdefault(name, [])
            if before and before[0].shape != tuple(value.shape):
                raise UsageError(
                    f"the output {name} is {list(value.shape)} for set {number} of the inputs, and "
                    f"{list(before[0].shape)} for the first: its size depends on the data",
                    "give as many rows for every input: topk in place of a mask, the rest in the app",
                )
            before.append(value.detach().numpy())
    save_arrays(request.outputs, [np.stack(found) for found in taken.values()])
    return ReferenceMade(count=len(sets[0]))


def convert(request: OwnConvertRequest) -> AnyConverted:
    """Convert and quantize a program.

    Raises:
        UsageError: the converter does not know an operator.
        ToolError: the converter or the quantizer failed.
    """
    program = None if request.program is None else torch.export.load(request.program)
    if request.file is not None and request.profile.format == "tflite":
        program = program_of(request)
    job = AnyJob(
        program=program,
        file=request.file,
        profile=request.profile,
        target=request.target,
        sets=load_arrays(request.sets),
        inputs=request.inputs,
        outputs=request.outputs,
        folder=request.folder,
        judge=lambda expected, got: nearness(expected, got, request.bounds),
        strict_int8=request.strict_int8,
        imported=None if request.file is None else lambda: program_of(request),
    )
    try:
        with torch.no_grad():
            convert_job = converter(request.profile.format)
            if request.profile.format == "onnx":
                return convert_job(job)  # which takes a tensor as often as it is given
            return with_each_once(job, convert_job)
    except EdgekitError:
        raise
    except Exception as error:  # converters raise anything
        refusal = converter_refusal(str(error), request.profile.format)
        if refusal is None:
            raise
        traced = None if request.traced is None else torch.export.load(request.traced)
        raise refused(refusal, traced) from error


def nearness(expected: Sequence[Any], got: Sequence[Any], bounds: ParityTolerance) -> Nearness:
    """How near outputs are, all of them, by the bounds of each."""
    pairs = zip(expected, got, strict=True)
    found = [compare_output(exact, np.nan_to_num(made), bounds, RARE_IN_INT8) for exact, made in pairs]
    least = min(parity.sqnr_db for parity in found) - bounds.min_sqnr_db
    by_image = [parity.image_sqnr_db for parity in found if parity.image_sqnr_db is not None]
    if bounds.min_image_sqnr_db is not None and by_image:
        least = min(least, min(by_image) - bounds.min_image_sqnr_db)
    failures = tuple(text for parity in found for text in parity.failures)
    return Nearness(min(least, -FARTHER_DB) if failures else least, min(parity.sqnr_db for parity in found), failures)


def program_of(request: OwnConvertRequest) -> torch.export.ExportedProgram:
    """The program of an ONNX file, through PyTorch.

    Raises:
        UsageError: an operator has no counterpart in PyTorch.
    """
    from ...convert.any.onnx_file import ready_model
    from ...convert.onnx_network.network import network_of

    assert request.file is not None
    sets = load_arrays(request.sets)
    samples = dict(zip(request.inputs, as_tensors([array[0] for array in sets]), strict=True))
    model, _ = ready_model(request.file, {name: tuple(value.shape) for name, value in samples.items()})
    network = network_of(model, samples, "the file").eval()
    inputs = tuple(samples[name] for name in network.given)
    return torch.export.export(network, inputs, strict=False)


def converter(format_: Format) -> Callable[[AnyJob], AnyConverted]:
    """The converter of a format; only its own packages are imported."""
    if format_ == "onnx":
        from ...convert.any import onnx

        return onnx.convert
    if format_ == "tflite":
        from ...convert.any import tflite

        return tflite.convert
    from ...convert.any import openvino

    return openvino.convert
