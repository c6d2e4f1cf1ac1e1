"""Every family's int8 TFLite file on emulated ARM cores, against what this machine computes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgekit.artifacts.prepare import ExportOptions
from edgekit.artifacts.store import read_manifest
from edgekit.base.progress import silent
from edgekit.bench.agent_archive import AGENT_FILE, PACKAGE, agent_archive
from edgekit.bench.launch import ThisMachine, converse
from edgekit.bench.session import Session
from edgekit.catalog import MODELS, builtin_folder, find_card, profile_for
from edgekit.devices.inventory import find_device
from edgekit.devices.reach import reach
from edgekit.types import Device, ExportProfile, Stored
from edgekit.types.artifacts import CHECK_FILE
from edgekit.verbs.export import export
from edgekit.zoo.registry import FAMILIES

SMALL = (
    "squeezenet_1.1", "mobilenet_v1_0.25", "mobilenet_v2_0.25", "mobilenet_v3_small_0.35", "mnasnet_a1_0.25",
    "shufflenet_v1_g3_0.25", "shufflenet_v2_0.5", "igcv1_cifar10_l24m2_d20_plain", "igcv2_cifar10_c64_k8_l3_d8",
    "igcv3_d_1.0_cifar100", "condensenet_cifar10_50",
)  # fmt: skip
"""A small variant of each family: an emulated core is slow, and the operators are those of the large ones."""
SIDE = 96
"""Of images in pixels, where the family's have 224."""


def smaller(name: str, folder: Path) -> str:
    """The card's file, for images of ``SIDE`` pixels where it takes larger ones."""
    text = (builtin_folder(MODELS) / f"{name}.toml").read_text()
    for larger in ("[3, 224, 224]", "crop = 224", "resize = 256", "resize = 224"):
        text = text.replace(larger, larger.replace("224", str(SIDE)).replace("256", str(SIDE)))
    path = folder / f"{name}.toml"
    path.write_text(text)
    return str(path)


def looser(profile: ExportProfile) -> ExportProfile:
    """Small images of a random network leave scores that lie close: int8 changes more of them."""
    parity = profile.parity.model_copy(update={"min_cosine": 0.5, "min_sqnr_db": 3.0, "min_image_sqnr_db": None})
    return profile.model_copy(update={"parity": parity})


def test_each_family_is_there() -> None:
    assert [find_card(name).family for name in SMALL] == list(FAMILIES)


def check_output(stored: Stored, session: Session, folder: Path) -> np.ndarray:
    """What the artifact makes of its check image on the session's device."""
    given, answer = folder / f"{stored.artifact.model}.npy", folder / f"{stored.artifact.model}-output.npy"
    with np.load(stored.folder / CHECK_FILE) as saved:
        np.save(given, saved["input"])
    session.run(stored, given, answer, silent)
    return np.load(answer).astype(np.float64)


EVERY = f"""
import json, os, sys

sys.path.insert(0, os.path.abspath({AGENT_FILE!r}))
import numpy as np
from {PACKAGE}.commands.run import run
from {PACKAGE}.protocol import emit, keep_protocol

keep_protocol()
requests = json.load(open(sys.argv[1]))
for model, request in requests.items():
    run(dict(request, model=model + ".tflite", inputs=model + ".npy", outputs=model + "-output.npy"))
np.savez(sys.argv[1] + ".npz", **{{model: np.load(model + "-output.npy") for model in requests}})
emit({{"ok": True, "value": {{}}}})
"""
"""The agent's own ``run``, of all models in one process: importing the runtime takes an emulated core longer than they
do. It starts in the folder to which all was sent."""


def outputs(device: Device, stored: list[Stored], folder: Path) -> dict[str, np.ndarray]:
    """Every artifact's output on one device."""
    folder.mkdir()
    requests, files = {}, [folder / AGENT_FILE, folder / "every.py", folder / "requests.json"]
    with reach(device, silent) as transport:
        session = Session(transport, device)
        for one in stored:
            model = one.artifact.model
            requests[model] = session.request(one.artifact)
            files += [folder / f"{model}.tflite", folder / f"{model}.npy"]
            shutil.copy(one.folder / one.artifact.model_file, folder / f"{model}.tflite")
            with np.load(one.folder / CHECK_FILE) as saved:
                np.save(folder / f"{model}.npy", saved["input"])
        (folder / AGENT_FILE).write_bytes(agent_archive())
        (folder / "every.py").write_text(EVERY)
        (folder / "requests.json").write_text(json.dumps(requests))
        _, program, argument, *_ = transport.deliver(files)
        told = converse(transport.command(program, argument), 900.0, None, transport.mark)
        assert told.code == 0, told.said
        transport.fetch(f"{argument}.npz", folder / "outputs.npz")
    with np.load(folder / "outputs.npz") as found:
        return {model: found[model].astype(np.float64) for model in requests}


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_all_families_compute_on_arm_what_they_do_here(emulated: None, tmp_path: Path) -> None:
    cards = [smaller(name, tmp_path) for name in SMALL]
    options = ExportOptions(out=tmp_path / "artifacts")
    exported = export(cards, [looser(profile_for("tflite", "int8"))], options, silent, jobs=2)
    assert {one.model: str(one.error) for one in exported if one.folder is None} == {}
    stored = [read_manifest(one.folder) for one in exported if one.folder is not None]
    here = Session(ThisMachine(), find_device("local"))
    expected = {one.artifact.model: check_output(one, here, tmp_path) for one in stored}
    for board in ("virtual-rpi4", "virtual-rpi5"):
        found = outputs(find_device(board), stored, tmp_path / board)
        for model, output in found.items():
            # XNNPACK's integer kernels round alike on both; a value may still fall on the other side of a half.
            one_step = np.ptp(expected[model]) / 127
            assert np.abs(output - expected[model]).max() <= one_step, f"{model} on {board}"
            assert np.ptp(output) > 0, f"{model} on {board}"
