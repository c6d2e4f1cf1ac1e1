from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edgekit.types import Device
from tools.soak.__main__ import measure_until
from tools.soak.growth import TOLERATED, growths
from tools.soak.page import Soaked, page
from tools.soak.traces import Traces, traces

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"
LOOK = Traces(rss_bytes=100_000_000, descriptors=9, threads=1, children=0, scratch=1, there=12)


@pytest.mark.parametrize("name", TOLERATED)
def test_each_figure_that_grows_is_found(name: str) -> None:
    step = TOLERATED[name]
    looks = [replace(LOOK, **{name: int(getattr(LOOK, name) + step * number)}) for number in range(12)]
    assert [growth.name for growth in growths(looks) if not growth.flat] == [name]
    assert all(growth.flat for growth in growths([LOOK] * 12))
    text = page([Soaked("local", 3.0, 12, 36, ("tiny: lost",), tuple(growths(looks)))])
    assert text.count("**grows**") == 1
    assert "- failed: tiny: lost" in text


def test_what_only_begins_low_is_flat() -> None:
    looks = [replace(LOOK, rss_bytes=50_000_000)] * 4 + [LOOK] * 8
    assert all(growth.flat for growth in growths(looks))


def test_too_few_looks() -> None:
    with pytest.raises(ValueError, match="5 looks tell nothing"):
        growths([LOOK] * 5)


def test_a_look_at_this_process() -> None:
    before = traces(Device(id="local", transport="local"))
    with Path("/dev/null").open() as _:
        after = traces(Device(id="local", transport="local"))
    assert after.descriptors == before.descriptors + 1
    assert before.there is None
    assert before.rss_bytes > 1_000_000


def test_it_measures_and_looks(tmp_path: Path) -> None:
    shutil.copytree(TINY / "onnx-fp32", tmp_path / "tiny" / "onnx-fp32")
    run = measure_until(0.0, Device(id="local", transport="local"), tmp_path)
    assert (len(run.looks), run.measurements, run.failures) == (1, 1, [])
    (tmp_path / "tiny" / "onnx-fp32" / "model.onnx").write_bytes(b"changed")
    assert len(measure_until(0.0, Device(id="local", transport="local"), tmp_path).failures) == 1
