"""Evaluations of real artifacts: the figures are those of the runtime, and whatever does not fit is said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.artifacts.accuracy import scores as module
from edgekit.artifacts.accuracy.kept import evaluations_of
from edgekit.artifacts.accuracy.subjects import Wanted, find_reference
from edgekit.artifacts.store import read_manifest
from edgekit.base.progress import silent
from edgekit.catalog import find_card
from edgekit.errors import EdgekitError, UsageError
from edgekit.types import Evaluation, Stored, WeightsProvenance
from edgekit.verbs.evaluate import Asked, evaluate
from edgekit.verify.evaluation_data import load_images
from edgekit.zoo.preprocessing import Wishes

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"
PREPROCESSING = {"resize": 8, "crop": 8, "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}
COUNT = 12


@pytest.fixture
def artifact(tmp_path):
    """A stored artifact whose manifest tells how its input is made."""

    def copy(name: str) -> str:
        folder = tmp_path / "artifacts" / name
        shutil.copytree(TINY / name, folder)
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["inputs"][0]["preprocessing"] = PREPROCESSING
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return str(folder)

    return copy


def made_of_code(folder: str | Path) -> Path:
    """The artifact as one of a network of a user's own code: no card, and nothing says how images become its input."""
    manifest = Path(folder) / "manifest.json"
    told = json.loads(manifest.read_text())
    told["card"], told["inputs"][0]["preprocessing"] = None, None
    told["weights"] = {
        **told["weights"],
        "kind": "file",
        "source": "the network's own code",
        "layout": "",
        "seed": None,
    }
    told["weights"]["sha256"] = "c" * 64
    manifest.write_text(json.dumps(told))
    return Path(folder)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (COUNT, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def photos(tmp_path, pixels) -> Path:
    """A flat folder of the images as PNG."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / f"{number:02}.png")
    return folder


def run(name, data, labels=None, against=None, weights="random", num_classes=None) -> Evaluation:
    return evaluate(str(name), str(data), labels and str(labels), against, Wanted(weights, num_classes), silent)


def winners(folder: str, pixels: np.ndarray) -> np.ndarray:
    """The classes that ONNX Runtime itself picks."""
    import onnxruntime

    session = onnxruntime.InferenceSession(f"{folder}/model.onnx", providers=["CPUExecutionProvider"])
    inputs = ((pixels / 255 - 0.5) / 0.25).transpose(0, 3, 1, 2).astype(np.float32)
    return np.array([session.run(None, {"image": row[None]})[0].argmax() for row in inputs])


def test_figures_are_those_of_the_runtime(artifact, photos, pixels, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST", 5)  # three parts
    folder = artifact("onnx-fp32")
    right = winners(folder, pixels)
    given = right.copy()
    given[:3] = (given[:3] + 1) % 5  # three labels that the artifact misses
    labels = tmp_path / "labels.csv"
    labels.write_text("# file,class\n" + "".join(f"{n:02}.png,{label}\n" for n, label in enumerate(given)))
    found = run(folder, photos, labels)
    assert (found.top1.hits, found.top1.count) == (COUNT - 3, COUNT)
    assert found.top1.low < 0.75 < found.top1.high
    assert (found.top5, found.drop, found.agreement, found.reference) == (None, None, None, None)
    assert "12 images: a share near one half is known to ±25 points" in found.notes[0]
    np.savez(tmp_path / "set.npz", images=pixels, labels=given)
    assert run(folder, tmp_path / "set.npz").top1 == found.top1
    plain = tmp_path / "plain.txt"
    plain.write_text("\n".join(map(str, given)))
    assert run(folder, photos, plain).top1 == found.top1
    assert Evaluation.from_plain(json.loads(json.dumps(found.to_plain()))) == found


def test_two_artifacts_on_the_same_images(artifact, photos, pixels, tmp_path):
    onnx, tflite = artifact("onnx-fp32"), artifact("tflite-int8")
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(map(str, winners(onnx, pixels))))
    same = run(artifact("openvino-fp32"), photos, labels, against=onnx)
    assert (same.agreement.hits, same.drop.drop, same.drop.p_value) == (COUNT, 0, 1)
    assert same.sqnr_db > 80
    other = run(tflite, photos, labels, against=onnx)
    assert other.reference_top1.hits == COUNT
    assert other.top1.hits == other.agreement.hits == COUNT - other.drop.reference_only
    assert other.drop.low <= other.drop.drop <= other.drop.high
    assert 0 < other.sqnr_db < 60
    assert (other.subject.name, other.reference.name) == ("tflite-int8", "onnx-fp32")


def test_class_folders(artifact, pixels, tmp_path):
    """Folders called by number are classes of that number; other names count in sorted order, all of them."""
    onnx = artifact("onnx-fp32")
    chosen = winners(onnx, pixels)
    for naming, folder in ((str, tmp_path / "numbers"), (lambda n: "abcde"[n], tmp_path / "names")):
        for number, (image, label) in enumerate(zip(pixels, chosen, strict=True)):
            path = folder / naming(label) / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    assert run(onnx, tmp_path / "numbers").top1.hits == COUNT
    folders = {path.name for path in (tmp_path / "names").iterdir()}
    assert len(folders) < 5  # some class is never picked
    with pytest.raises(UsageError, match=rf"names has {len(folders)} class folders, and the network gives 5 scores"):
        run(onnx, tmp_path / "names")
    for name in "abcde":
        (tmp_path / "names" / name).mkdir(exist_ok=True)
    with pytest.raises(UsageError, match="holds no image"):
        run(onnx, tmp_path / "names")


def test_data_without_labels_and_reference(artifact, photos):
    with pytest.raises(UsageError, match="nothing to compare with") as caught:
        run(artifact("onnx-fp32"), photos)
    assert "--against" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no labels"),
        ("1\n2\n", "has 2 labels, and .* 12 images"),
        ("\n".join(["cat"] * COUNT), "line 1: 'cat' is not a class number"),
        ("\n".join(["-1"] * COUNT), "line 1: '-1' is not a class number"),
        ("\n".join(["5"] * COUNT), r"label 5 is out of range for 5 classes \(12 such labels\)"),
        ("00.png,1\n", "has no label for 01.png"),
        ("00.png,1,2\n", "line 1: '00.png 1 2' is not FILE,NUMBER"),
    ],
)
def test_labels_that_do_not_fit(artifact, photos, tmp_path, text, said):
    path = tmp_path / "labels"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        run(artifact("onnx-fp32"), photos, path)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"pictures": np.zeros(3)}, "holds no array named images; it has pictures"),
        ({"images": np.zeros((2, 8, 8, 3))}, r"images is float64 \[2, 8, 8, 3\]"),
        ({"images": np.zeros((0, 8, 8, 3), np.uint8)}, "holds no image"),
        ({"images": np.zeros((2, 8, 8, 3), np.uint8), "labels": np.zeros(3, int)}, "2 images and 3 labels"),
        ({"images": np.zeros((2, 8, 8, 3), np.uint8), "labels": np.zeros(2)}, r"labels is float64 \[2\]"),
    ],
)
def test_npz_that_does_not_fit(tmp_path, arrays, said):
    np.savez(tmp_path / "set.npz", **arrays)
    with pytest.raises(UsageError, match=said):
        load_images(str(tmp_path / "set.npz"), None)


def test_nothing_there(artifact, tmp_path):
    onnx = artifact("onnx-fp32")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.npz").write_bytes(b"PK\3\4 no more")
    for name, data, said in [
        (onnx, tmp_path / "nowhere", "no data at"),
        (onnx, tmp_path / "empty", r"holds no image \(0 other files\)"),
        (onnx, tmp_path / "broken.npz", "cannot be read as .npz"),
        (tmp_path / "empty", tmp_path / "empty", r"is not an artifact: it has no manifest.json"),
        ("artifacts/nothing/here", tmp_path / "empty", r"does not exist: there is no manifest.json"),
        ("mobilenet_v22", tmp_path / "empty", "unknown model"),
    ]:
        with pytest.raises(EdgekitError, match=said):
            run(name, data, against=onnx)


def test_image_of_another_size(artifact, pixels, tmp_path):
    """Stretched to the network's, as training does."""
    right = winners(artifact("onnx-fp32"), pixels)
    np.savez(tmp_path / "set.npz", images=pixels.repeat(2, 1).repeat(2, 2), labels=right)
    found = run(str(tmp_path / "artifacts" / "onnx-fp32"), tmp_path / "set.npz")
    assert found.top1.hits > COUNT / 2
    assert "images of 16 x 16 are resized to the network's 8 x 8" in found.notes


def test_artifact_that_was_changed(artifact, photos):
    folder = artifact("onnx-fp32")
    with Path(folder, "model.onnx").open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(UsageError, match="is not the file that was verified"):
        run(folder, photos, against=folder)


def test_reference_of_other_classes(artifact, photos):
    """A network of 10 classes beside an artifact of 5."""
    with pytest.raises(UsageError, match="gives 5 scores and the reference 10"):
        run(artifact("onnx-fp32"), photos, against="condensenet_cifar10_light94", num_classes=10)


def test_float_reference_needs_the_weights(artifact, photos):
    folder = artifact("onnx-fp32")
    manifest = json.loads(Path(folder, "manifest.json").read_text())
    manifest["weights"] |= {"kind": "file", "source": "trained.pth", "seed": None}
    Path(folder, "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match=r"was made from trained\.pth, and the float network needs the same weights"):
        run(folder, photos, against="float")
    with pytest.raises(UsageError, match="compares an artifact with its network"):
        run("squeezenet_1.1", photos, against="float")


def test_the_float_network_is_that_of_the_artifacts_own_card(artifact, tmp_path):
    """A card from a path, with what its checkpoint brought: classes, the average, TensorFlow's padding or none."""
    card = find_card("mobilenet_v2_0.25").model_copy(update={"id": "mine", "num_classes": 5})
    stored = read_manifest(Path(artifact("onnx-fp32")))

    def float_of(weights, **architecture):
        own = card.model_copy(update={"architecture": {**card.architecture, **architecture}})
        made = stored.artifact.model_copy(update={"model": "mine", "card": own, "weights": weights})
        return find_reference("float", Stored(stored.folder, made), Wanted("best.pt"))

    file = WeightsProvenance(kind="file", source="best.pt", sha256="0" * 64, layout="torchvision")
    found = float_of(file)
    assert found.card.id == "mine"
    assert found.wanted.num_classes is None
    assert (found.wanted.reading.ema, found.wanted.reading.tf_padding) == (False, False)
    assert float_of(file.model_copy(update={"average": True})).wanted.reading.ema
    assert float_of(file, tf_padding=True).wanted.reading.tf_padding is None


def test_a_limit_on_the_drop_is_judged_and_kept_beside_the_artifact(artifact, photos, pixels, tmp_path):
    """Against itself nothing is lost, and twelve images prove little; all of it is found again in its folder."""
    onnx, other = artifact("onnx-fp32"), artifact("openvino-fp32")
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(map(str, winners(onnx, pixels))))
    said: list[object] = []
    asked = Asked(max_drop=1.0, device="local")
    found = evaluate(other, str(photos), str(labels), onnx, Wanted(), said.append, asked)
    assert found.verdict.status == "INCONCLUSIVE"
    assert found.verdict.images_needed > COUNT
    assert found.device == "local"
    assert found == evaluations_of(read_manifest(Path(other)))[0]
    wide = Asked(max_drop=60)
    assert evaluate(other, str(photos), str(labels), onnx, Wanted(), silent, wide).verdict.status == "PASS"
    assert any("kept in" in event.text for event in said)


def test_some_of_the_images(artifact, photos, pixels, tmp_path):
    onnx = artifact("onnx-fp32")
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(map(str, winners(onnx, pixels))))
    found = evaluate(onnx, str(photos), str(labels), None, Wanted(), silent, Asked(images=5))
    assert (found.images, found.top1.hits) == (5, 5)
    assert "5 of 12 images, evenly spaced" in found.notes


def test_a_model_file_of_others(artifact, photos, pixels, tmp_path, monkeypatch):
    """With the options in place of a manifest it scores as the artifact does."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    onnx = artifact("onnx-fp32")
    theirs = shutil.copy(Path(onnx) / "model.onnx", tmp_path / "theirs.onnx")
    wishes = Wishes(mean=(0.5,) * 3, std=(0.25,) * 3)
    found = evaluate(str(theirs), str(photos), None, onnx, Wanted(wishes=wishes), silent)
    assert found.agreement.hits == COUNT
    assert found.sqnr_db > 100


@pytest.mark.parametrize(
    ("name", "against", "asked", "said"),
    [
        ("onnx-fp32", None, {"max_drop": 1.0}, "--max-drop limits what is lost against another network"),
        ("onnx-fp32", "onnx-fp32", {"max_drop": 1.0}, "has no labels, and --max-drop is about right answers"),
        ("squeezenet_1.1", None, {"device": "local"}, "is a float network in PyTorch, and --device runs artifacts"),
        ("onnx-fp32", "onnx-fp32", {"device": "nowhere"}, "nowhere"),
    ],
)
def test_what_is_asked_for_has_to_go_together(artifact, photos, name, against, asked, said):
    given = artifact(name) if "." not in name else name
    other = given if against else None
    with pytest.raises(EdgekitError, match=said):
        evaluate(given, str(photos), None, other, Wanted(), silent, Asked(**asked))


def test_a_network_of_own_code_is_held_against_its_float32_artifact(artifact, photos, pixels, tmp_path, monkeypatch):
    own, _ = made_of_code(artifact("openvino-fp32")), made_of_code(artifact("onnx-fp32"))
    monkeypatch.setattr(module, "run_isolated", None)  # no code is run
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(["0"] * COUNT))
    wanted = Wanted(wishes=Wishes(mean=(0.5,) * 3, std=(0.25,) * 3))
    found = evaluate(str(own), str(photos), str(labels), "float", wanted, silent)
    assert found.reference is not None
    assert (found.reference.kind, found.reference.name) == ("artifact", "onnx-fp32")
    assert found.agreement is not None
    assert found.agreement.share == 1.0
    assert found.of_float
    (kept,) = evaluations_of(read_manifest(own))
    assert kept.of_float, "the gate's max_drop and the report read it"


def test_a_network_of_own_code_has_no_weights_to_name_and_needs_its_float32_artifact(artifact, photos):
    own = made_of_code(artifact("openvino-fp32"))
    told = Wishes(mean=(0.5,) * 3, std=(0.25,) * 3)
    with pytest.raises(UsageError, match="which brings its weights"):
        evaluate(str(own), str(photos), None, "float", Wanted("w.pt", wishes=told), silent)
    with pytest.raises(UsageError, match="no float32 artifact of the same weights"):
        evaluate(str(own), str(photos), None, "float", Wanted(wishes=told), silent)
    with pytest.raises(UsageError, match="does not say how images become its input") as error:
        run(own, photos, against="float")
    assert "--mean" in error.value.hint
