"""TFLite Metadata: read with the schema that MediaPipe ships, and passed over by the runtime."""

from __future__ import annotations

import importlib.util
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import real_data
from edgekit.convert.job import Described
from edgekit.convert.tflite.edit import edited
from edgekit.convert.tflite.metadata import METADATA_KEY, describe
from edgekit.types import Preprocessing, TensorSpec

TINY = Path(__file__).parents[2] / "data" / "artifacts" / "tiny" / "tflite-fp32" / "model.tflite"
CLASSES = ("cat", "dog", "größer", "bird", "fish")
PHOTO = Preprocessing(
    resize=9, crop=(8, 8), interpolation="bicubic", channels="RGB", mean=(0.5, 0.25, 0.125), std=(0.5, 0.25, 1.0)
)


def described(folder: Path, how: Preprocessing | None = PHOTO, classes: tuple[str, ...] = CLASSES) -> Path:
    file = folder / "model.tflite"
    shutil.copyfile(TINY, file)
    taken = TensorSpec(name="input", shape=(1, 8, 8, 3), layout="NHWC", dtype="float32", preprocessing=how)
    given = TensorSpec(name="logits", shape=(1, 5), layout="NC", dtype="float32")
    describe(Described(file=file, model="tiny", inputs=(taken,), outputs=(given,), classes=classes))
    return file


def buffer_of(file: Path) -> bytes:
    found: list[bytes] = []

    def look(tree: Any, schema: Any) -> bool:
        (entry,) = [one for one in tree.metadata if one.name == METADATA_KEY.encode()]
        found.append(bytes(bytearray(tree.buffers[entry.buffer].data)))
        return False

    edited(file.read_bytes(), look)
    return found[0]


def outputs(file: Path) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(file))
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    values = np.random.default_rng(0).random(entry["shape"], np.float32)
    interpreter.set_tensor(entry["index"], values)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def test_the_file_runs_as_before_and_holds_the_names(tmp_path: Path) -> None:
    file = described(tmp_path)
    assert np.array_equal(outputs(file), outputs(TINY))
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert archive.read("labels.txt").decode().splitlines() == list(CLASSES)
    (tmp_path / "again").mkdir()
    assert described(tmp_path / "again").read_bytes() == file.read_bytes()


def test_without_names_nothing_follows_the_model(tmp_path: Path) -> None:
    file = described(tmp_path, classes=())
    assert not zipfile.is_zipfile(file)
    assert b"labels.txt" not in buffer_of(file)


@pytest.fixture(scope="module")
def schema(metadata_package: Path) -> Any:
    """The classes that MediaPipe reads metadata with."""
    spec = importlib.util.spec_from_file_location(
        "its_schema", real_data.only(metadata_package, "metadata_schema_py_generated.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_mediapipe_reads_it(tmp_path: Path, schema: Any) -> None:
    content = buffer_of(described(tmp_path))
    assert schema.ModelMetadata.ModelMetadataBufferHasIdentifier(content, 0)
    tree = schema.ModelMetadataT.InitFromObj(schema.ModelMetadata.GetRootAs(content, 0))
    assert (tree.name, tree.minParserVersion) == (b"tiny", b"1.0.0")
    (graph,) = tree.subgraphMetadata
    (taken,), (given,) = graph.inputTensorMetadata, graph.outputTensorMetadata
    assert (taken.name, given.name) == (b"input", b"logits")
    assert taken.description == b"RGB photo, resized the short side to 9 (bicubic), then its centre of 8 x 8"
    assert taken.content.contentPropertiesType == schema.ContentProperties.ImageProperties
    assert taken.content.contentProperties.colorSpace == schema.ColorSpaceType.RGB
    size = taken.content.contentProperties.defaultSize
    assert (size.height, size.width) == (8, 8)
    (unit,) = taken.processUnits
    assert unit.optionsType == schema.ProcessUnitOptions.NormalizationOptions
    assert list(unit.options.mean) == [127.5, 63.75, 31.875]
    assert list(unit.options.std) == [127.5, 63.75, 255.0]
    assert given.content.contentPropertiesType == schema.ContentProperties.FeatureProperties
    (labels,) = given.associatedFiles
    assert (labels.name, labels.type) == (b"labels.txt", schema.AssociatedFileType.TENSOR_AXIS_LABELS)


def test_inputs_that_are_no_photos_and_pixels_as_they_are(tmp_path: Path, schema: Any) -> None:
    def taken(how: Preprocessing | None) -> Any:
        content = buffer_of(described(tmp_path, how))
        tree = schema.ModelMetadataT.InitFromObj(schema.ModelMetadata.GetRootAs(content, 0))
        return tree.subgraphMetadata[0].inputTensorMetadata[0]

    plain = taken(None)
    assert plain.content.contentPropertiesType == schema.ContentProperties.FeatureProperties
    assert plain.processUnits is None
    (unit,) = taken(PHOTO.model_copy(update={"baked": True})).processUnits
    assert (list(unit.options.mean), list(unit.options.std)) == ([0.0], [1.0])
