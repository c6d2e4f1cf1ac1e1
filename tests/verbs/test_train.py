"""``edgekit train``: files, resuming after a kill, starting points, and what is refused."""

from __future__ import annotations

import colorsys
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from edgekit.artifacts.accuracy.subjects import Wanted
from edgekit.artifacts.prepare import ExportOptions
from edgekit.base.progress import Warned, silent
from edgekit.catalog import find_card, find_profile
from edgekit.errors import UsageError
from edgekit.training import checkpoint
from edgekit.training.metrics import Run
from edgekit.training.recipes import Recipe
from edgekit.verbs.evaluate import evaluate
from edgekit.verbs.export import export
from edgekit.verbs.train import Listener, TrainOptions, train
from edgekit.zoo.checkpoints import load_checkpoint, read_header, read_state
from edgekit.zoo.heads import last_layer
from edgekit.zoo.registry import create
from edgekit.zoo.starting_point import starting_point

RECIPE = Recipe(epochs=4, batch=8, lr=0.05, lasso=1e-4)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def options(data: Path, out: Path, **changes: Any) -> TrainOptions:
    return TrainOptions(**{"data": str(data), "recipe": RECIPE, "out": out, **changes})


def same(first: Path, second: Path) -> bool:
    states = [read_state(path) for path in (first, second)]
    return states[0].keys() == states[1].keys() and all(torch.equal(states[0][k], states[1][k]) for k in states[0])


def untimed(path: Path) -> list[dict[str, Any]]:
    return [{**epoch, "seconds": 0} for epoch in json.loads(path.read_text())["epochs"]]


def test_what_a_training_leaves(tiny_condensenet: Path, stripes: Path, tmp_path: Path, heard: Any) -> None:
    made = train(str(tiny_condensenet), options(stripes, tmp_path / "out"), Listener(heard))
    assert heard.lines == ["tiny_condensenet: starting from random weights, seed 0; 120 images of stripes"]
    assert sorted(p.name for p in made.folder.iterdir()) == ["checkpoint.pt", "metrics.json", "plot.svg"]
    assert Run.model_validate_json((made.folder / "metrics.json").read_text()) == made.run
    assert made.run.finished
    assert made.run.classes == ("0", "1", "2")
    header = read_header(made.folder / "checkpoint.pt")
    assert (header["model"], header["epoch"], header["num_classes"]) == ("tiny_condensenet", 4, 3)
    assert header["architecture"]["form"] == "training"
    # Any reader of public checkpoints takes it, and the zoo condenses it by itself.
    network = create(find_card(str(tiny_condensenet)))
    assert load_checkpoint(network, made.folder / "checkpoint.pt")[0] == "CondenseNet training, condensed"


def test_images_of_another_size_are_resized_and_that_is_said(
    tiny_condensenet: Path, stripes: Path, tmp_path: Path, heard: Any
) -> None:
    larger = tmp_path / "larger.toml"
    text = tiny_condensenet.read_text().replace("tiny_condensenet", "larger").replace("[3, 8, 8]", "[3, 12, 12]")
    larger.write_text(text.replace("resize = 8", "resize = 12").replace("crop = 8", "crop = 12"))
    short = RECIPE.model_copy(update={"epochs": 1})
    train(str(larger), options(stripes, tmp_path / "out", recipe=short), Listener(heard))
    assert heard.lines[0] == "images of 8 x 8 are resized to the 12 x 12 of larger"


def test_the_default_folder(
    tiny_condensenet: Path, stripes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    short = RECIPE.model_copy(update={"epochs": 1})
    made = train(str(tiny_condensenet), TrainOptions(str(stripes), short))
    assert made.folder == Path("runs/tiny_condensenet/stripes")
    assert (tmp_path / made.folder / "plot.svg").is_file()


def run_child(arguments: list[str]) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-c", "from edgekit.cli import main; main()", "train", *arguments]
    return subprocess.Popen(
        program, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )


@pytest.mark.slow
def test_a_killed_training_resumes_to_the_same_result(tiny_condensenet: Path, stripes: Path, tmp_path: Path) -> None:
    with np.load(stripes) as arrays:
        many = {name: np.concatenate([array] * 3) for name, array in arrays.items()}
    data = tmp_path / "many.npz"
    np.savez(data, **many)
    common = [str(tiny_condensenet), "--data", str(data), "--epochs", "3", "--batch", "4", "--lr", "0.05"]
    killed, unbroken = tmp_path / "killed", tmp_path / "unbroken"
    child = run_child([*common, "--out", str(killed)])
    try:
        deadline = time.monotonic() + 120
        while not (killed / "metrics.json").is_file():
            assert child.poll() is None, child.stderr.read() if child.stderr else ""
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.1)  # into the second epoch
        assert child.poll() is None
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    before = json.loads((killed / "metrics.json").read_text())["epochs"]
    assert 1 <= len(before) < 3
    for arguments in ([*common, "--out", str(killed), "--resume"], [*common, "--out", str(unbroken)]):
        child = run_child(arguments)
        _, errors = child.communicate(timeout=300)
        assert child.returncode == 0, errors.decode()
        if "--resume" in arguments:
            assert f"going on after epoch {len(before)} of 3" in errors.decode()
    assert same(killed / "checkpoint.pt", unbroken / "checkpoint.pt")
    assert untimed(killed / "metrics.json") == untimed(unbroken / "metrics.json")
    assert not [p for p in killed.iterdir() if p.name.startswith(".checkpoint.pt.") and p.stat().st_size == 0]


def test_stopped_in_an_epoch(tiny_condensenet: Path, stripes: Path, tmp_path: Path, heard: Any) -> None:
    def stop(epoch: int, done: int, count: int) -> None:
        if (epoch, done) == (3, 5):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(str(tiny_condensenet), options(stripes, tmp_path / "a"), Listener(batch=stop))
    made = train(str(tiny_condensenet), options(stripes, tmp_path / "a", resume=True))
    train(str(tiny_condensenet), options(stripes, tmp_path / "b", resume=True))  # nothing there: from the beginning
    assert same(tmp_path / "a" / "checkpoint.pt", tmp_path / "b" / "checkpoint.pt")
    # Another number of threads is said: it rounds otherwise.
    torch.set_num_threads(2)
    train(str(tiny_condensenet), options(stripes, tmp_path / "b", resume=True), Listener(heard))
    (warning,) = (event for event in heard.events if isinstance(event, Warned))
    assert warning.text.startswith("begun with 1 threads, now 2")
    torch.set_num_threads(1)
    # A finished one stays as it is.
    stamp = (tmp_path / "a" / "checkpoint.pt").stat().st_mtime_ns
    assert train(str(tiny_condensenet), options(stripes, tmp_path / "a", resume=True)).run == made.run
    assert (tmp_path / "a" / "checkpoint.pt").stat().st_mtime_ns == stamp


def test_a_run_is_not_overwritten_nor_resumed_otherwise(tiny_condensenet: Path, stripes: Path, tmp_path: Path) -> None:
    model, out = str(tiny_condensenet), tmp_path / "out"
    train(model, options(stripes, out, recipe=RECIPE.model_copy(update={"epochs": 1})))
    before = (out / "checkpoint.pt").read_bytes()
    with pytest.raises(UsageError, match="holds a training already"):
        train(model, options(stripes, out))
    with pytest.raises(UsageError, match="was trained with epochs 1, not 4"):
        train(model, options(stripes, out, resume=True))
    with pytest.raises(UsageError, match=r"was trained with model tiny_condensenet, not mobilenet_v3_small_0\.35"):
        train("mobilenet_v3_small_0.35", options(stripes, out, resume=True))
    with np.load(stripes) as arrays:
        other = dict(arrays)
    stripes.unlink()
    np.savez(stripes, **{**other, "labels": other["labels"][::-1]})
    with pytest.raises(UsageError, match="on other images of the name stripes"):
        train(model, options(stripes, out, resume=True, recipe=RECIPE.model_copy(update={"epochs": 1})))
    (out / "checkpoint.pt").write_bytes(before[: len(before) // 2])
    with pytest.raises(UsageError, match="cannot be read as a checkpoint"):
        train(model, options(stripes, out, resume=True))
    torch.save({"state_dict": {}}, out / "checkpoint.pt")
    with pytest.raises(UsageError, match="is not a training checkpoint of this version"):
        train(model, options(stripes, out, resume=True))


def test_nothing_is_written_for_a_mistake(tiny_condensenet: Path, stripes: Path, tmp_path: Path) -> None:
    model, out = str(tiny_condensenet), tmp_path / "out"
    other = tmp_path / "other.pt"
    torch.save(create(find_card("squeezenet_1.1"), 3).state_dict(), other)
    with pytest.raises(UsageError, match="--num-classes 2 is less than the 3 classes"):
        train(model, options(stripes, out, num_classes=2))
    with pytest.raises(UsageError, match="does not fit this network"):
        train(model, options(stripes, out, weights=str(other)))
    with pytest.raises(UsageError, match="no checkpoint at"):
        train(model, options(stripes, out, weights=str(tmp_path / "no.pt")))
    with pytest.raises(UsageError, match="the loss is"):
        train(model, options(stripes, out, recipe=RECIPE.model_copy(update={"lr": 1e30})))
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(tiny_condensenet.read_text().replace("factor = 2", "factor = 3").replace("tiny_c", "wrong_c"))
    with pytest.raises(UsageError, match="the condensation factor 3 does not divide 8 input channels"):
        train(str(wrong), options(stripes, out))
    assert not out.exists()


def test_a_file_where_the_output_folder_must_be_is_said(
    tiny_condensenet: Path, stripes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    with pytest.raises(UsageError, match="out is a file where a folder is to be"):
        train(str(tiny_condensenet), options(stripes, tmp_path / "out" / "deeper"))


@pytest.mark.parametrize(
    "model", ["squeezenet_1.1", "mobilenet_v3_small_0.35", "shufflenet_v2_0.5", "igcv3_d_1.0_cifar10"]
)
def test_another_head_size_keeps_the_body(model: str, tmp_path: Path) -> None:
    card = find_card(model)
    torch.manual_seed(3)
    source = create(card, 11)
    torch.save(source.state_dict(), tmp_path / "eleven.pt")
    start = starting_point(card, tmp_path / "eleven.pt", 3, seed=0)
    head = last_layer(start.network)
    assert f"without its head of 11 classes; new head {head} of 3" in start.text
    new, old = start.network.state_dict(), source.state_dict()
    assert all(torch.equal(new[key], old[key]) for key in old if not key.startswith(f"{head}."))
    assert new[f"{head}.weight"].shape[0] == 3
    again = starting_point(card, tmp_path / "eleven.pt", 3, seed=0)
    assert torch.equal(again.network.state_dict()[f"{head}.weight"], new[f"{head}.weight"])
    kept = starting_point(card, tmp_path / "eleven.pt", 11, seed=0)
    assert all(torch.equal(value, old[key]) for key, value in kept.network.state_dict().items())


def test_fine_tuning_every_form_of_a_condensenet(tiny_condensenet: Path, stripes: Path, tmp_path: Path) -> None:
    from edgekit.verbs.condense import condense_checkpoint

    model = str(tiny_condensenet)
    first = train(model, options(stripes, tmp_path / "first"))
    masks = {k: v for k, v in read_state(first.folder / "checkpoint.pt").items() if k.endswith("_mask")}
    again = train(model, options(stripes, tmp_path / "again", weights=str(first.folder / "checkpoint.pt")))
    after = read_state(again.folder / "checkpoint.pt")
    assert all(torch.equal(after[key], mask) for key, mask in masks.items())
    assert again.run.start == "checkpoint.pt (CondenseNet training layout)"
    condense_checkpoint(first.folder / "checkpoint.pt", tmp_path / "condensed.pt", model)
    tuned = train(model, options(stripes, tmp_path / "tuned", weights=str(tmp_path / "condensed.pt"), num_classes=5))
    assert tuned.run.epochs[-1].survivors is None
    assert "without its head of 3 classes" in tuned.run.start
    assert read_state(tuned.folder / "checkpoint.pt")["classifier.weight"].shape[0] == 5
    assert "form" not in read_header(tuned.folder / "checkpoint.pt")["architecture"]


def test_the_checkpoint_is_whole_or_absent(
    tiny_condensenet: Path, stripes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the disk went away")

    monkeypatch.setattr(checkpoint.torch, "save", fail)
    with pytest.raises(RuntimeError, match="went away"):
        train(str(tiny_condensenet), options(stripes, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_small_condensenet_learns_fashion_mnist(tmp_path: Path) -> None:
    """A tenth of the images; all of them reach more than 90 %."""
    from edgekit.training import fashion_mnist as source

    if not source.FOLDER.is_dir():
        pytest.skip("needs the Debian package dataset-fashion-mnist")
    full = source.fashion_mnist()
    arrays = {
        "images": full.train.images.take(np.arange(6000))[..., 0],
        "labels": full.train.labels[:6000],
        "test_images": full.test.images.take(np.arange(1000))[..., 0],
        "test_labels": full.test.labels[:1000],
    }
    np.savez(tmp_path / "tenth.npz", **arrays)
    recipe = Recipe(epochs=4, batch=64, lr=0.1, lasso=1e-5)
    made = train("condensenet_fashion_small", TrainOptions(str(tmp_path / "tenth.npz"), recipe, tmp_path / "out"))
    last = made.run.epochs[-1]
    assert last.test_accuracy > 78
    assert last.survivors is not None
    assert (last.survivors.stage, last.survivors.connections * 4) == (3, last.survivors.total)


def colours(folder: Path, classes: int, images: int) -> Path:
    """Class folders 0, 1, …, told apart by hue alone, in ``train`` and ``test``."""
    rng = np.random.default_rng(0)
    for part in ("train", "test"):
        for number in range(classes):
            (folder / part / str(number)).mkdir(parents=True)
            rgb = np.array(colorsys.hsv_to_rgb(number / classes, 1, 1)) * 255
            for index in range(images):
                noisy = np.clip(rgb * rng.uniform(0.6, 1) + rng.normal(0, 12, (8, 8, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(noisy).save(folder / part / str(number) / f"{index}.png")
    return folder


def test_evaluate_says_what_train_says_of_numbered_folders(tiny_condensenet: Path, tmp_path: Path) -> None:
    """Twelve folders 0 to 11: their order as text, 0, 1, 10, 11, 2, decides everywhere; names are kept and compared."""
    data = colours(tmp_path / "colours", 12, 10)
    recipe = RECIPE.model_copy(update={"epochs": 6, "lasso": 0.0})
    made = train(str(tiny_condensenet), options(data, tmp_path / "out", recipe=recipe))
    weights = str(made.folder / "checkpoint.pt")
    names = tuple(sorted(map(str, range(12))))
    assert tuple(read_header(made.folder / "checkpoint.pt")["classes"]) == names == made.run.classes
    model = str(tiny_condensenet)
    found = evaluate(model, str(data), None, None, Wanted(weights, 12), silent)
    assert found.top1 is not None
    assert 100 * found.top1.share == made.run.epochs[-1].test_accuracy > 50
    assert any(f"these are {data / 'test'}" in note for note in found.notes)
    # A few of the classes are matched by their names.
    few = tmp_path / "few"
    shutil.copytree(data / "test" / "10", few / "10")
    shutil.copytree(data / "test" / "9", few / "9")
    part = evaluate(model, str(few), None, None, Wanted(weights, 12), silent)
    assert part.top1 is not None
    assert part.top1.share > 0.5
    assert any("2 of the network's 12 classes" in note for note in part.notes)
    # The artifact has the names too, and evaluates to the same.
    outcome = export(
        [model], [find_profile("tflite-fp32")], ExportOptions(weights, 12, out=tmp_path / "artifacts"), silent
    )[0]
    assert outcome.artifact is not None, outcome.error
    assert outcome.artifact.classes == names
    assert (outcome.folder / "classes.txt").read_text().split() == list(names)
    assert "classes.txt" not in [entry.name for entry in outcome.artifact.model_files]
    assert evaluate(str(outcome.folder), str(data), None, None, Wanted(), silent).top1 == found.top1


def test_evaluate_says_what_train_says_of_arrays(tiny_condensenet: Path, stripes: Path, tmp_path: Path) -> None:
    """The test images of an ``.npz`` file, stretched to a network of another size and trained for it."""
    larger = tmp_path / "larger.toml"
    text = tiny_condensenet.read_text().replace("tiny_condensenet", "larger").replace("[3, 8, 8]", "[3, 12, 16]")
    larger.write_text(text.replace("resize = 8", "resize = 12").replace("crop = 8", "crop = 12"))
    made = train(str(larger), options(stripes, tmp_path / "out"))
    weights = str(made.folder / "checkpoint.pt")
    found = evaluate(str(larger), str(stripes), None, None, Wanted(weights), silent)
    assert found.top1 is not None
    assert (found.top1.count, 100 * found.top1.share) == (made.run.test_images, made.run.epochs[-1].test_accuracy)
    assert "images of 8 x 8 are resized to the network's 12 x 16" in found.notes
    # The checkpoint says itself how its images were made: nothing is assumed.
    assert not any("assumed" in note for note in found.notes)


def test_quantization_aware_training_starts_from_a_checkpoint_and_leaves_an_ordinary_one(
    stripes: Path, tmp_path: Path
) -> None:
    """Its accuracy is that of the rounded network, what float had is kept beside it, and two runs are the same."""
    card = tmp_path / "tiny.toml"
    text = (Path(__file__).parents[2] / "models" / "shufflenet_v2_0.5.toml").read_text()
    text = text.replace("[3, 224, 224]", "[3, 32, 32]").replace("resize = 256", "resize = 32")
    card.write_text(text.replace("crop = 224", "crop = 32").replace('id = "shufflenet_v2_0.5"', 'id = "tiny"'))
    short = RECIPE.model_copy(update={"epochs": 1, "batch": 40})
    first = train(str(card), options(stripes, tmp_path / "float", recipe=short)).folder / "checkpoint.pt"
    qat = short.model_copy(update={"qat": True, "lr": 0.001})
    with pytest.raises(UsageError, match="--qat makes a trained network robust") as caught:
        train(str(card), options(stripes, tmp_path / "none", recipe=qat))
    assert "--weights FILE" in caught.value.hint
    runs = [
        train(str(card), options(stripes, tmp_path / name, recipe=qat, weights=str(first))) for name in ("one", "two")
    ]
    assert same(*(made.folder / "checkpoint.pt" for made in runs))
    assert not same(first, runs[0].folder / "checkpoint.pt")
    assert read_state(first).keys() == read_state(runs[0].folder / "checkpoint.pt").keys()
    assert runs[0].run.float_accuracy is not None


def test_quantization_aware_training_of_learned_groups_is_refused(
    tiny_condensenet: Path, stripes: Path, tmp_path: Path
) -> None:
    first = train(str(tiny_condensenet), options(stripes, tmp_path / "float")).folder / "checkpoint.pt"
    qat = RECIPE.model_copy(update={"qat": True})
    with pytest.raises(UsageError, match="has learned groups to condense"):
        train(str(tiny_condensenet), options(stripes, tmp_path / "out", recipe=qat, weights=str(first)))
