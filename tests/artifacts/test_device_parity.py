"""Outputs that a device sends back, right and spoilt."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.artifacts.device_parity import check_image, checked, read_outputs
from edgekit.artifacts.store import read_manifest
from edgekit.base.progress import silent
from edgekit.bench.answers import AnswerError
from edgekit.bench.launch import ThisMachine
from edgekit.bench.session import Limits, Session
from edgekit.errors import UsageError
from edgekit.types import Device
from edgekit.types.artifacts import CHECK_FILE
from tests.support.checks import with_check

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"
SPEC = read_manifest(TINY / "tflite-fp32").artifact.outputs[0]
SHORT = Limits(warmup_min_s=0.01, min_s=0.02, max_s=1.0)


def npy(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


RIGHT = npy(np.ones(SPEC.shape, SPEC.dtype))
HEADER = b"\x93NUMPY\x01\x00\x76\x00"


def header(text: str) -> bytes:
    return HEADER + text.ljust(0x75).encode() + b"\n"


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.npy", RIGHT)
    return stream.getvalue()


def test_the_outputs(tmp_path: Path) -> None:
    (tmp_path / "out.npy").write_bytes(RIGHT)
    assert read_outputs(tmp_path / "out.npy", SPEC, 1).tolist() == np.ones(SPEC.shape).tolist()


def test_fewer_images_than_a_batch_holds(tmp_path: Path) -> None:
    (tmp_path / "out.npy").write_bytes(RIGHT)
    of_eight = SPEC.model_copy(update={"shape": (8, *SPEC.shape[1:])})
    assert len(read_outputs(tmp_path / "out.npy", of_eight, 1)) == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "are not an .npy file"),
        (b"garbage", "are not an .npy file"),
        (RIGHT[:-1], "are not an .npy file"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 9000000000000), }"), "are not an .npy file"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 5), }"), "are not an .npy file"),
        (header("[" * 100), "are not an .npy file"),
        (npy(np.array([{}], dtype=object), allow_pickle=True), "are not an .npy file"),
        (npy(np.ones((2, *SPEC.shape[1:]), SPEC.dtype)), "where float32 .* are to come"),
        (npy(np.ones(SPEC.shape, np.float64)), "float64"),
        (zipped(), "several arrays"),
    ],
)
def test_what_is_no_output(content: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "out.npy").write_bytes(content)
    with pytest.raises(AnswerError, match=why):
        read_outputs(tmp_path / "out.npy", SPEC, 1)


@pytest.mark.parametrize("content", [b"", b"no archive", RIGHT, zipped()])
def test_a_check_image_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    tiny = Path(__file__).parent.parent / "data" / "artifacts" / "tiny" / "tflite-fp32"
    stored = replace(read_manifest(tiny), folder=tmp_path)
    (tmp_path / CHECK_FILE).write_bytes(content)
    with pytest.raises(UsageError, match=r"check\.npz does not hold a check image: ") as caught:
        check_image(stored)
    assert caught.value.hint == "export it again"


class Counting(ThisMachine):
    """Keeps the commands that it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def command(self, program: str, argument: str) -> list[str]:
        self.asked.append(json.loads(Path(argument).read_text())["command"])
        return super().command(program, argument)


def test_the_launch_that_measures_also_answers_the_check(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TINY / "tflite-int8", tmp_path / "artifact"))
    with_check(folder)
    stored, transport = read_manifest(folder), Counting()
    session = Session(transport, Device(id="local", transport="local"), limits=SHORT)
    taken = checked(stored, session, session.measure, silent)
    assert transport.asked == ["bench", "memory"]
    assert taken.device_cosine == pytest.approx(1.0, abs=1e-6)
