"""float16 compute of TFLite files: allowed where it is near enough, left out with the layer's name where it is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from edgekit.agent.protocol import AgentError
from edgekit.agent.runtimes.choose import make_runtime
from edgekit.artifacts.half_compute import WIDER_SUMS
from edgekit.artifacts.prepare import ExportOptions
from edgekit.base.progress import silent
from edgekit.base.target import sums_in_half
from edgekit.bench.session import EMULATED, Session
from edgekit.catalog import find_card, find_profile
from edgekit.cli.show.export import artifact_lines
from edgekit.convert.tflite.half_compute import allow_half_compute
from edgekit.devices.inventory import find_device
from edgekit.devices.reach import reach
from edgekit.types import HALF_COMPUTE_VALUE, ExportProfile, Stored
from edgekit.types.artifacts import CHECK_FILE
from edgekit.verbs.export import export
from edgekit.verify.audit import allows_half_compute
from edgekit.zoo.build import build_network

from .test_layer_errors import CARD

PROFILE = find_profile("tflite-fp16")


@pytest.fixture(scope="module")
def card(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("card") / "small.toml"
    path.write_text(CARD)
    return str(path)


@pytest.fixture(scope="module")
def stored(card, tmp_path_factory) -> Stored:
    (outcome,) = export([card], [PROFILE], ExportOptions(out=tmp_path_factory.mktemp("out")), silent)
    assert outcome.status == "converted", outcome.error
    return Stored(outcome.folder, outcome.artifact)


def test_the_file_asks_for_float16_and_was_computed_in_it(stored):
    artifact = stored.artifact
    assert artifact.audit.half_compute
    assert artifact.half_parity.passed
    # Sums in float16 lose what float16 weights alone do not.
    assert 25 < artifact.half_parity.sqnr_db < artifact.parity.sqnr_db
    (line,) = [line for line in artifact_lines(artifact) if line.startswith("float16")]
    assert f"SQNR {artifact.half_parity.sqnr_db:.1f} dB" in line
    assert (WIDER_SUMS in artifact.notes) != sums_in_half()


def test_constants_stay_aligned(stored):
    from ai_edge_litert import schema_py_generated as schema

    content = (stored.folder / stored.artifact.model_file).read_bytes()
    model = schema.Model.GetRootAs(content, 0)
    places = [
        content.find(data.tobytes())
        for data in (model.Buffers(index).DataAsNumpy() for index in range(model.BuffersLength()))
        if not isinstance(data, int) and len(data) > 1000
    ]
    assert len(places) > 20
    assert {place % 16 for place in places} == {0}


def changed(card: str, path: Path, large: float) -> Path:
    """The card's random weights, with one convolution's results far larger and the next one's smaller in turn."""
    network = build_network(find_card(card))
    state = network.state_dict()
    squeeze = min(key for key in state if key.endswith("squeeze.weight"))
    with torch.no_grad():
        for name in ("weight", "bias"):
            state[squeeze.replace("weight", name)] *= large
        for side in ("expand1x1", "expand3x3"):
            state[squeeze.replace("squeeze", side)] /= large
    torch.save(state, path)
    return path


def test_what_float16_cannot_hold_is_left_out_and_named(card, tmp_path):
    weights = changed(card, tmp_path / "large.pt", 3e5)
    options = ExportOptions(weights=str(weights), out=tmp_path / "out")
    bounds = {"min_sqnr_db": 20.0, "min_cosine": 0.9, "min_image_sqnr_db": None, "max_abs_error": 0.1}
    loose = PROFILE.parity.model_copy(update=bounds)  # float16 weights lose more where they are this small
    (outcome,) = export([card], [PROFILE.model_copy(update={"parity": loose})], options, silent)
    assert outcome.status == "converted", outcome.error
    artifact = outcome.artifact
    assert not artifact.audit.half_compute
    assert artifact.half_parity is None
    (note,) = [note for note in artifact.notes if note.startswith("float16 compute is left out")]
    assert "beyond float16's 65504" in note
    assert "sums of features.10.squeeze" in note


def test_an_audit_refuses_a_file_that_asks_unproven(stored, tmp_path):
    path = tmp_path / "plain.tflite"
    path.write_bytes((Path(__file__).parent.parent / "data/artifacts/tiny/tflite-fp32/model.tflite").read_bytes())
    assert not allows_half_compute(path)
    allow_half_compute(path)
    assert allows_half_compute(path)
    assert HALF_COMPUTE_VALUE.encode() in path.read_bytes()


def test_other_formats_have_no_such_bounds():
    fields = dict(find_profile("onnx-fp16")) | {"half_parity": PROFILE.half_parity}
    with pytest.raises(ValueError, match="half_parity is for TFLite fp16, and this is onnx fp16"):
        ExportProfile(**fields)


def test_only_litert_on_the_cpu_can_be_forced():
    with pytest.raises(AgentError, match="half_compute is for litert on the cpu, not onnxruntime on the cpu"):
        make_runtime({"runtime": "onnxruntime", "half_compute": True})


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_cortex_a76_computes_in_float16_and_a_cortex_a72_does_not(emulated, stored, tmp_path):
    given = tmp_path / "input.npy"
    with np.load(stored.folder / CHECK_FILE) as saved:
        np.save(given, saved["input"])
        exact = saved["reference"].astype(np.float64)
    losses = {}
    for board in ("virtual-rpi4", "virtual-rpi5"):
        device, answer = find_device(board), tmp_path / f"{board}.npy"
        with reach(device, silent) as transport:
            Session(transport, device, limits=EMULATED).run(stored, given, answer, silent)
        difference = np.load(answer).astype(np.float64) - exact
        losses[board] = 10 * np.log10((exact**2).sum() / (difference**2).sum())
    assert losses["virtual-rpi4"] == pytest.approx(stored.artifact.parity.sqnr_db, abs=3)
    here = stored.artifact.half_parity.sqnr_db
    # A CPU without float16 arithmetic sums in float32 where the board sums in float16.
    assert losses["virtual-rpi5"] < here + 4
    assert losses["virtual-rpi5"] > here - (4 if sums_in_half() else 25)
    assert losses["virtual-rpi5"] < losses["virtual-rpi4"] - 3
