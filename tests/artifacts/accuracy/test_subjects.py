"""What can be evaluated: files of others need the options that say how they see images."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgekit.artifacts.accuracy.subjects import Wanted, find_reference, find_subject
from edgekit.errors import UsageError
from edgekit.types import Stored
from edgekit.zoo.preprocessing import Wishes

TINY = Path(__file__).parents[2] / "data" / "artifacts" / "tiny"
HALF = (0.5, 0.5, 0.5)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model file alone, without a manifest."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Path(shutil.copy(TINY / "tflite-fp32" / "model.tflite", tmp_path / "theirs.tflite"))


def test_the_options_are_the_preprocessing_of_a_file_of_others(file: Path) -> None:
    found = find_subject(str(file), Wanted(wishes=Wishes(mean=HALF, std=HALF, resize=10)))
    assert isinstance(found, Stored)
    made = found.artifact.inputs[0].preprocessing
    assert made is not None
    assert (made.size, made.resize, made.channels, made.mean, made.baked) == ((8, 8), 10, "RGB", HALF, False)
    assert made.origin is not None
    assert made.origin.kind == "options"


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        (Wishes(), "does not say how images become its input"),
        (Wishes(mean=HALF), "does not say how images become its input"),
        (Wishes(mean=HALF, std=HALF, input_size=(16, 16)), "--input-size 16x16, and .* takes 8 x 8"),
        (Wishes(mean=HALF, std=HALF, crop=4), "3 channel\\(s\\) of 4 x 4, and .* takes 3 of 8 x 8"),
        (Wishes(mean=(0.5,), std=(0.5,), channels="L"), "1 channel\\(s\\) of 8 x 8"),
        (Wishes(mean=(127.0,) * 3, std=HALF), "look like units of 0 to 255"),
        (Wishes(mean=HALF, std=HALF, resize=4), "resize 4 is less than crop"),
    ],
)
def test_options_that_do_not_fit_the_file(file: Path, wishes: Wishes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        find_subject(str(file), Wanted(wishes=wishes))


def test_a_file_of_others_has_no_float_network_that_edgekit_knows(file: Path) -> None:
    wanted = Wanted(wishes=Wishes(mean=HALF, std=HALF))
    with pytest.raises(UsageError, match="does not know the float network of") as caught:
        find_reference("float", find_subject(str(file), wanted), wanted)
    assert "--against" in caught.value.hint


def test_a_file_beside_a_manifest_that_does_not_list_it_is_not_that_artifact(file: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TINY / "onnx-fp32", tmp_path / "artifact"))
    stray = shutil.copy(file, folder / "stray.tflite")
    with pytest.raises(UsageError, match="does not say how images become its input"):
        find_subject(str(stray), Wanted())
    assert isinstance(find_subject(str(folder / "model.onnx"), Wanted()), Stored)
