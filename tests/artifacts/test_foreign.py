"""Model files that edgekit did not export."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgekit.artifacts.find import find_artifacts
from edgekit.artifacts.foreign import adopt, model_name
from edgekit.artifacts.store import read_manifest
from edgekit.base.folders import foreign_folder
from edgekit.bench.session import Limits
from edgekit.errors import ToolError, UsageError
from edgekit.verbs.compare import compare
from edgekit.verbs.inspect import inspect
from edgekit.verbs.profile import profile
from edgekit.verbs.verify import verify

BRIEF = Limits(warmup_min_iterations=1, warmup_min_s=0.0, min_iterations=3, min_s=0.0, max_s=1.0)


@pytest.fixture
def two_inputs(tmp_path: Path) -> Path:
    """``relu(conv(image)) * gate[index]``: an open image, and an index that picks a row of a table."""
    weight = numpy_helper.from_array(np.ones((2, 3, 1, 1), np.float32), "weight")
    table = numpy_helper.from_array(np.ones((2, 1), np.float32), "table")
    nodes = [
        helper.make_node("Conv", ["image", "weight"], ["mixed"]),
        helper.make_node("Gather", ["table", "index"], ["gate"]),
        helper.make_node("Mul", ["mixed", "gate"], ["out"]),
    ]
    ends = [
        helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "h", "w"]),
        helper.make_tensor_value_info("index", TensorProto.INT64, [1]),
    ]
    outputs = [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", 2, "h", "w"])]
    graph = helper.make_graph(nodes, "g", ends, outputs, [weight, table])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    path = tmp_path / "two inputs.onnx"
    onnx.save_model(model, path)
    return path


def test_each_format(runtime: str, tiny: Path, tmp_path: Path) -> None:
    """A copy of a file of ours without its manifest has the same ends and the same count of operators."""
    folder = next(f for f in sorted(tiny.iterdir()) if f.name.startswith(runtime[:4].replace("lite", "tfli")))
    for file in folder.glob("model.*"):
        shutil.copy(file, tmp_path / f"their net{file.suffix}")
    (path,) = (p for p in tmp_path.glob("their net.*") if p.suffix != ".bin")
    (stored,) = find_artifacts([str(path)], tmp_path)
    artifact = stored.artifact
    assert (artifact.model, artifact.profile) == ("their_net", f"{artifact.format}-fp32-unverified")
    assert artifact.runtime == runtime
    assert artifact.parity is None
    assert artifact.origin == str(path)
    (tmp_path / "b").mkdir()
    for file in tmp_path.glob("their net.*"):
        shutil.copy(file, tmp_path / "b" / file.name)
    moved = adopt(tmp_path / "b" / path.name, {})
    assert read_manifest(moved.folder).artifact.origin == moved.artifact.origin == str(tmp_path / "b" / path.name)
    assert artifact.inputs[0].shape in ((1, 3, 8, 8), (1, 8, 8, 3))
    assert artifact.outputs[0].shape == (1, 5)
    assert artifact.macs is not None
    assert artifact.macs > 0
    assert adopt(path, {}).folder == stored.folder
    assert path.is_file()


def test_it_is_measured_like_any_other(tiny: Path, tmp_path: Path) -> None:
    shutil.copy(tiny / "tflite-int8" / "model.tflite", tmp_path / "net.tflite")
    done = profile([str(tmp_path / "net.tflite")], reports_root=tmp_path / "reports", limits=BRIEF)
    (taken,) = done.measurements
    assert (taken.model, taken.precision, taken.parity_cosine) == ("net", "int8", None)
    assert taken.peak_rss_bytes is not None


def test_open_shapes_and_several_inputs(two_inputs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the shape of input 'image' is open") as caught:
        adopt(two_inputs, {})
    assert "--input NAME=1x3x224x224" in caught.value.hint
    with pytest.raises(UsageError, match=r"input 'image' is .* in the model, which \[1, 4, 6, 6\] does not fit"):
        adopt(two_inputs, {"image": (1, 4, 6, 6)})
    stored = adopt(two_inputs, {"image": (2, 3, 6, 5)})
    assert [spec.shape for spec in stored.artifact.inputs] == [(2, 3, 6, 5), (1,)]
    assert stored.artifact.macs == 2 * 2 * 6 * 5 * 3
    assert stored.artifact.params == 6
    done = profile([str(two_inputs)], reports_root=tmp_path / "r", limits=BRIEF, shapes={"image": (2, 3, 6, 5)})
    assert done.measurements[0].batch == 2


def test_an_input_that_is_one_number(tmp_path: Path) -> None:
    """As the sampling rate of a speech network is: the files in which it has a value take one input less."""
    ends_of = {kind: helper.make_tensor_value_info(kind, TensorProto.FLOAT, [1, 4]) for kind in ("Add", "Gather")}
    branches = [
        helper.make_graph([helper.make_node(kind, reads, [kind])], kind, [], [ends_of[kind]])
        for kind, reads in (("Add", ["x", "x"]), ("Gather", ["w", "beyond"]))
    ]
    nodes = [
        helper.make_node("Equal", ["rate", "usual"], ["same"]),
        helper.make_node("If", ["same"], ["y"], then_branch=branches[0], else_branch=branches[1]),
    ]
    ends = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4]),
        helper.make_tensor_value_info("rate", TensorProto.INT64, []),
    ]
    constants = [
        numpy_helper.from_array(np.int64(16000), "usual"),
        numpy_helper.from_array(np.ones((3, 4), np.float32), "w"),
        numpy_helper.from_array(np.asarray([9]), "beyond"),
    ]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])]
    graph = helper.make_graph(nodes, "g", ends, outputs, constants)
    path = tmp_path / "speech.onnx"
    onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8), path)
    with pytest.raises(ToolError) as caught:
        adopt(path, {})
    assert "--input rate=16000" in caught.value.hint
    artifact = adopt(path, {"rate": (16000,)}).artifact
    assert [one.name for one in artifact.inputs] == ["x"]
    assert (artifact.model, artifact.origin) == ("speech", str(path))
    assert artifact.notes == ("the input rate is always 16000, as --input says",)
    done = profile([str(path)], reports_root=tmp_path / "r", limits=BRIEF, shapes={"rate": (16000,)})
    assert done.measurements[0].model == "speech"


def test_a_shape_that_fits_no_input_is_not_passed_over(two_inputs: Path, tiny: Path, tmp_path: Path) -> None:
    image = {"image": (1, 3, 6, 5)}
    with pytest.raises(UsageError, match=r"--input x=1x3 fits no input here; there are 'image' 1x3x6x5, 'index' 1$"):
        find_artifacts([str(two_inputs)], tmp_path, shapes={**image, "x": (1, 3)})
    for kept in tiny.iterdir():  # what edgekit exported has its shapes, whatever is asked for
        with pytest.raises(UsageError, match=r"--input 9x9 fits no input here; there is '[a-z_0-9]+' 1x"):
            find_artifacts([str(kept)], tmp_path, shapes={"": (9, 9)})
    for file in (tiny / "openvino-fp32").glob("model.*"):
        shutil.copy(file, tmp_path / f"fixed{file.suffix}")
    ir = str(tmp_path / "fixed.xml")
    with pytest.raises(UsageError, match="--input 1x3x9x9 fits no input here; there is 'image' 1x3x8x8"):
        inspect(ir, shapes={"": (1, 3, 9, 9)})
    assert inspect(ir, shapes={"": (1, 3, 8, 8)}).stored.artifact.inputs[0].shape == (1, 3, 8, 8)
    # Each of two files may have shapes of its own.
    assert len(find_artifacts([str(two_inputs), ir], tmp_path, shapes=image)) == 2
    with pytest.raises(UsageError, match="--input x=1x3 fits no input here"):
        verify(str(two_inputs), ir, shapes={**image, "x": (1, 3)})
    with pytest.raises(UsageError, match="--input x=1x3 fits no input here"):
        compare(str(two_inputs), ir, shapes={**image, "x": (1, 3)})


def outside_weights(folder: Path) -> Path:
    """``x @ weight``, with the weight in ``net.data`` beside the file."""
    weight = numpy_helper.from_array(np.ones((4, 4), np.float32), "weight")
    nodes = [helper.make_node("MatMul", ["x", "weight"], ["y"])]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in "xy"]
    model = helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], [weight]), ir_version=8)
    model.opset_import[0].version = 17
    path = folder / "net.onnx"
    onnx.save_model(model, path, save_as_external_data=True, location="net.data", size_threshold=0)
    return path


def test_external_data_comes_along(tmp_path: Path) -> None:
    path = outside_weights(tmp_path)
    stored = adopt(path, {})
    assert [entry.name for entry in stored.artifact.files] == ["model.onnx", "net.data"]
    (tmp_path / "net.data").rename(tmp_path / "gone")
    with pytest.raises(UsageError, match=r"has its weights in net\.data, which is not beside it"):
        adopt(path, {})
    changed = onnx.load_model(path, load_external_data=False)
    changed.graph.initializer[0].external_data[0].value = "../gone"
    onnx.save_model(changed, path)
    with pytest.raises(UsageError, match="external data"):
        adopt(path, {})


def test_external_data_with_a_second_name(tmp_path: Path) -> None:
    """Caches and backups keep equal files once, under several names: the package onnx reads none of these."""
    path = outside_weights(tmp_path)
    os.link(tmp_path / "net.data", tmp_path / "second name")
    assert inspect(str(path)).stored.artifact.params == 16


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "Manifest.JSON"])
def test_external_data_with_the_name_of_a_file_of_ours(name: str, tmp_path: Path) -> None:
    """It would take the place of the model, or of its manifest, in the copy."""
    path = outside_weights(tmp_path)
    (tmp_path / "net.data").rename(tmp_path / name)
    model = onnx.load_model(path, load_external_data=False)
    model.graph.initializer[0].external_data[0].value = name
    onnx.save_model(model, path)
    with pytest.raises(UsageError, match=f"the name of its external data, '{re.escape(name)}', cannot be kept"):
        adopt(path, {})
    assert not list(foreign_folder().glob("*/*/*"))


def test_a_file_of_holes_is_neither_read_nor_copied(tiny: Path, tmp_path: Path) -> None:
    """It takes no room where it comes from, and a disk here."""
    path = outside_weights(tmp_path)
    shutil.copy(tiny / "tflite-fp32" / "model.tflite", tmp_path / "net.tflite")
    for name, net in (("net.data", path), ("net.tflite", tmp_path / "net.tflite")):
        os.truncate(tmp_path / name, 1 << 40)
        with pytest.raises(UsageError, match=f"{re.escape(name)} has 1,100 GB, and edgekit copies up to 69 GB"):
            adopt(net, {})


def test_what_is_no_model(tmp_path: Path) -> None:
    """One line of cause, and nothing is left."""
    for suffix, text in ((".onnx", "no model"), (".tflite", "no model"), (".xml", "<net>")):
        path = tmp_path / f"bad{suffix}"
        path.write_text(text)
        (tmp_path / "bad.bin").write_bytes(b"")
        with pytest.raises((ToolError, UsageError), match="bad"):
            find_artifacts([str(path)], tmp_path)
    assert not list(foreign_folder().glob("*/*/*"))


def test_a_damaged_file_is_the_files_fault_and_not_the_runtimes(tiny: Path, tmp_path: Path) -> None:
    whole = (tiny / "tflite-fp32" / "model.tflite").read_bytes()
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
    (tmp_path / "a.bin").write_bytes(b"")
    for name, content, said in (
        ("a.tflite", b"<html>", r"a\.tflite \(6 bytes\) is no TFLite model"),
        ("a.tflite", b"", r"a\.tflite \(0 bytes\) is no TFLite model"),
        ("a.tflite", whole[:700], r"a\.tflite \(700 bytes\) is no whole TFLite model"),
        ("a.tflite", pointer, r"a\.tflite is a pointer of Git LFS"),
        ("a.xml", b"<svg/>", r"a\.xml \(6 bytes\) is no OpenVINO model: its XML has no <net>"),
        ("a.onnx", pointer, r"a\.onnx is a pointer of Git LFS"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError, match=said):
            adopt(tmp_path / name, {})


def test_a_stranger_in_the_folder_of_an_artifact_is_not_taken_for_it(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "onnx-fp32"
    shutil.copytree(tiny / "onnx-fp32", folder)
    shutil.copy(tiny / "tflite-int8" / "model.tflite", folder / "other.tflite")
    (stored,) = find_artifacts([str(folder / "other.tflite")], tmp_path)
    assert stored.artifact.model == "other"
    (own,) = find_artifacts([str(folder / "model.onnx")], tmp_path)
    assert own.folder == folder


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/my net (2).onnx", "my_net_2"),
        ("yolo/model.tflite", "yolo"),
        ("a/../b/ü.xml", "model"),
        ("x/con.onnx", "model"),
        ("x/" + "n" * 200 + ".onnx", "n" * 60),
    ],
)
def test_names(path: str, name: str) -> None:
    assert model_name(Path("/t") / path) == name
