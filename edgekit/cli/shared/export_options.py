"""The arguments and options of ``edgekit export`` and ``edgekit tune``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .complete import model_ids, profile_names

Models = Annotated[
    list[str] | None,
    typer.Argument(
        help="Model ids, aliases or cards (edgekit models list).", metavar="[MODEL]…", autocompletion=model_ids
    ),
]
Format = Annotated[str | None, typer.Option("--format", "-f", help="onnx, tflite, openvino or all.")]
Int8 = Annotated[bool, typer.Option("--int8", help="Static int8, calibrated on images.")]
Fp16 = Annotated[bool, typer.Option("--fp16", help="float16 weights.")]
DynamicRange = Annotated[
    bool, typer.Option("--dynamic-range", help="int8 weights, no calibration; OpenVINO: weight-only.")
]
Weights = Annotated[str, typer.Option("--weights", "-w", help="A checkpoint file, pretrained or random.")]
NumClasses = Annotated[
    int | None, typer.Option("--num-classes", min=1, help="Outputs. [default: the checkpoint's, or the card's]")
]
Ema = Annotated[bool, typer.Option("--ema", help="Of a file with both, take the moving average of the weights.")]
TfPadding = Annotated[
    bool | None,
    typer.Option("--tf-padding/--no-tf-padding", help="Trained in TensorFlow. [default: as the file's name says]"),
]
Calibration = Annotated[
    str | None,
    typer.Option("--calibration", help="Folder of images, .npz, fashion-mnist or synthetic. [default: bundled photos]"),
]
ParityData = Annotated[
    str | None, typer.Option("--parity-data", help="Images to verify on. [default: the calibration images]")
]
Profile = Annotated[
    list[str] | None,
    typer.Option("--profile", help="Export profile: a name or a TOML file.", autocompletion=profile_names),
]
Io = Annotated[str | None, typer.Option("--io", help="Input and output type of int8: float32, int8 or uint8.")]
Ranges = Annotated[
    str | None,
    typer.Option("--ranges", help="Ranges of int8 activations: auto, min-max, percentile (99.99) or mse."),
]
BakePreprocess = Annotated[
    bool, typer.Option("--bake-preprocess", help="Mean and std inside the graph: the input is uint8 pixels.")
]
Target = Annotated[
    str | None,
    typer.Option("--target", help="Who will run it: host, x86-avx2, x86-vnni, armv8.0, armv8.2-dot, mobile-gpu."),
]
Opset = Annotated[
    int | None, typer.Option("--opset", min=15, max=18, help="Opset of ONNX files, for old runtimes. [default: 18]")
]
IrVersion = Annotated[
    int | None, typer.Option("--ir-version", min=8, max=10, help="IR version of ONNX files. [default: 8]")
]
Form = Annotated[
    str | None,
    typer.Option("--form", help="How the network is written: best-known, default, or a name that tune lists."),
]
RequireSpeedup = Annotated[
    bool, typer.Option("--require-speedup", help="Fail when int8 is measured to be no faster than float32.")
]
MinSpeedup = Annotated[
    float | None,
    typer.Option("--min-speedup", help="Fail when int8 is not more than so many times as fast as float32."),
]
LayerErrors = Annotated[bool, typer.Option("--layer-errors", help="Show how far each layer of int8 is from float.")]
SelectiveFloat = Annotated[
    bool, typer.Option("--selective-float", help="Say what of int8 stays in float, also where nothing needs to.")
]
StrictInt8 = Annotated[
    bool, typer.Option("--strict-int8", help="Refuse an int8 artifact that needs something in float to be near enough.")
]
MinSqnr = Annotated[
    float | None,
    typer.Option("--min-sqnr", help="The SQNR, dB, that int8 is to reach, with layers in float if needed."),
]
Out = Annotated[Path, typer.Option("--out", "-o", help="Artifacts go to OUT/<model>/<profile>/.")]
Timeout = Annotated[float, typer.Option("--timeout", min=1, help="Limit of each conversion, seconds.")]
All = Annotated[
    bool,
    typer.Option("--all", help="What is left open means all: each family's default, each format, float and int8."),
]
Jobs = Annotated[int, typer.Option("--jobs", "-j", min=1, help="Models at the same time.")]
Scheduler = Annotated[
    str | None, typer.Option("--scheduler", help="Run on the Dask cluster at this address (tcp://HOST:8786).")
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Take nothing from the cache, add nothing.")]
ARTIFACTS = Path("artifacts")
TIMEOUT_S = 900.0
ALIAS = "As in edgekit tune."
