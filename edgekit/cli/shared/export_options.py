"""The arguments and options of ``edgekit export`` and ``edgekit tune``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .complete import model_ids, profile_names
from .limits import LARGEST, LONGEST_S, MOST_CLASSES, MOST_JOBS

NETWORK, INT8, FILE, RUN = "The network", "Int8", "The file", "The run"
"""Groups of options in ``--help``; the options that most people need come before them."""

Models = Annotated[
    list[str] | None,
    typer.Argument(
        help="Model ids, aliases or cards (edgekit models list), or your own code.",
        metavar="[MODEL]…",
        autocompletion=model_ids,
    ),
]
Format = Annotated[
    str | None, typer.Option("--format", "-f", help="onnx, tflite or openvino, with commas between several, or all.")
]
Int8 = Annotated[bool, typer.Option("--int8", help="Quantize weights and activations to int8, calibrated on images.")]
Fp16 = Annotated[bool, typer.Option("--fp16", help="Store the weights as float16.")]
DynamicRange = Annotated[
    bool, typer.Option("--dynamic-range", help="Quantize the weights alone to int8, without calibration.")
]
Weights = Annotated[
    str, typer.Option("--weights", "-w", help="A checkpoint file, pretrained, random or timm/NAME.TAG.")
]
NumClasses = Annotated[
    int | None,
    typer.Option(
        "--num-classes",
        min=1,
        max=MOST_CLASSES,
        help="Number of classes. [default: the checkpoint's, or the card's]",
        rich_help_panel=NETWORK,
    ),
]
Ema = Annotated[
    bool,
    typer.Option(
        "--ema", help="Load the moving average (EMA) that a file holds beside the raw weights.", rich_help_panel=NETWORK
    ),
]
TfPadding = Annotated[
    bool | None,
    typer.Option(
        "--tf-padding/--no-tf-padding",
        help="Pad as TensorFlow does, for weights from there. [default: by the file's name and layout]",
        rich_help_panel=NETWORK,
    ),
]
Calibration = Annotated[
    str | None,
    typer.Option(
        "--calibration",
        help="Images that calibrate int8: a folder, .npz, fashion-mnist or synthetic. [default: bundled photos]",
    ),
]
ParityData = Annotated[
    str | None,
    typer.Option("--parity-data", help="Images to verify the artifact on. [default: the calibration images]"),
]
Profile = Annotated[
    list[str] | None,
    typer.Option(
        "--profile", help="Export profile: a name or a TOML file.", autocompletion=profile_names, rich_help_panel=FILE
    ),
]
Io = Annotated[
    str | None,
    typer.Option(
        "--io", help="Type of an int8 artifact's input and output: float32, int8 or uint8.", rich_help_panel=INT8
    ),
]
Ranges = Annotated[
    str | None,
    typer.Option(
        "--ranges",
        help="How to choose the ranges of int8 activations: auto, min-max, percentile (99.99) or mse.",
        rich_help_panel=INT8,
    ),
]
BakePreprocess = Annotated[
    bool,
    typer.Option(
        "--bake-preprocess", help="Put mean and std into the graph: the input is uint8 pixels.", rich_help_panel=FILE
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        help="Class of CPU that will run it: host, x86-avx2, x86-vnni, armv8.0, armv8.2-dot, mobile-gpu.",
        rich_help_panel=FILE,
    ),
]
Opset = Annotated[
    int | None,
    typer.Option(
        "--opset",
        min=15,
        max=18,
        help="Opset of ONNX files; old runtimes need a lower one. [default: 18]",
        rich_help_panel=FILE,
    ),
]
IrVersion = Annotated[
    int | None,
    typer.Option("--ir-version", min=8, max=10, help="IR version of ONNX files. [default: 8]", rich_help_panel=FILE),
]
Form = Annotated[
    str | None,
    typer.Option(
        "--form",
        help="Form of the network: best-known, default, or a name that edgekit tune lists.",
        rich_help_panel=FILE,
    ),
]
RequireSpeedup = Annotated[
    bool,
    typer.Option(
        "--require-speedup", help="Fail unless int8 is measured to be faster than float32.", rich_help_panel=INT8
    ),
]
MinSpeedup = Annotated[
    float | None,
    typer.Option(
        "--min-speedup",
        min=0,
        max=LARGEST,
        help="Fail unless int8 is this many times as fast as float32.",
        rich_help_panel=INT8,
    ),
]
LayerErrors = Annotated[
    bool, typer.Option("--layer-errors", help="Show the quantization error of each layer.", rich_help_panel=INT8)
]
SelectiveFloat = Annotated[
    bool,
    typer.Option(
        "--selective-float",
        help="Report which layers of an int8 artifact stay in float, even when none has to.",
        rich_help_panel=INT8,
    ),
]
StrictInt8 = Annotated[
    bool,
    typer.Option(
        "--strict-int8",
        help="Fail instead of keeping layers in float when int8 alone is not accurate enough.",
        rich_help_panel=INT8,
    ),
]
MinSqnr = Annotated[
    float | None,
    typer.Option(
        "--min-sqnr",
        min=-LARGEST,
        max=LARGEST,
        help="SQNR in dB that an int8 artifact must reach, if necessary with some layers in float.",
        rich_help_panel=INT8,
    ),
]
Out = Annotated[Path, typer.Option("--out", "-o", help="Write artifacts to OUT/<model>/<profile>/.")]
Timeout = Annotated[
    float,
    typer.Option(
        "--timeout", min=1, max=LONGEST_S, help="Time limit of each conversion, in seconds.", rich_help_panel=RUN
    ),
]
All = Annotated[
    bool,
    typer.Option("--all", help="Export each family's default network in each format, as float and int8."),
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs", "-j", min=1, max=MOST_JOBS, help="Export this many networks at the same time.", rich_help_panel=RUN
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", help="Run on the Dask cluster at this address (tcp://HOST:8786).", rich_help_panel=RUN),
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Do not use the cache of earlier exports.", rich_help_panel=RUN)
]
ARTIFACTS = Path("artifacts")
TIMEOUT_S = 900.0
ALIAS = "As in edgekit tune."
