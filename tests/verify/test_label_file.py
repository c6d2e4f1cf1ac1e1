"""Label files as people and spreadsheets write them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgekit.errors import UsageError
from edgekit.verify.evaluation_data import load_images, with_numbers
from edgekit.verify.label_file import text_of


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "flat"
    folder.mkdir()
    for number in range(4):
        Image.new("RGB", (8, 8)).save(folder / f"img {number}.jpg")
    return folder


def rows(pattern: str, labels=(0, 1, 2, 0)) -> str:
    return "".join(pattern.format(f"img {number}.jpg", label) for number, label in enumerate(labels))


@pytest.mark.parametrize(
    "text",
    [
        rows("{},{}\r\n"),
        rows('"{}",{}\n'),
        rows('"{}","{}"\n'),
        "\ufeff" + rows("{},{}\n"),
        rows("{};{}\r\n"),
        rows("{}\t{}\n"),
        rows("{} {}\n"),
        rows("{},{}.0\n"),
        rows("{}, {}\n"),
        rows("{},{},,\n"),
        "filename,label\n" + rows("{},{}\n"),
        '"file";"class"\n' + rows('"{}";"{}"\n'),
        rows(".\\{},{}\n"),
        rows("./{},{}\n\n"),
        "0\n1\n2\n0\n",
        "\ufeff0\r\n1\r\n2\r\n0\r\n",
        "label\n0\n1\n2\n0\n",
        "0.0\n1.0\n2.0\n0.0\n",
        '"0"\n"1"\n"2"\n"0"\n',
        rows("{},{}\n", ("ant", "bee", "cat", "ant")),
        "filename,label\n" + rows("{},{}\n", ("ant", "bee", "cat", "ant")),
        "ant\nbee\ncat\nant\n",
    ],
)
def test_every_usual_form_is_read(photos, tmp_path, text):
    path = tmp_path / "labels.csv"
    path.write_bytes(text.encode())
    found = with_numbers(load_images(str(photos), str(path)), 3, ("ant", "bee", "cat"))
    assert found.labels.tolist() == [0, 1, 2, 0]


def test_excels_unicode_text(photos, tmp_path):
    path = tmp_path / "labels.txt"
    path.write_bytes(rows("{}\t{}\r\n").encode("utf-16"))
    assert load_images(str(photos), str(path)).labels.tolist() == [0, 1, 2, 0]


def test_names_are_matched_with_the_networks(photos, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(rows("{},{}\n", ("cat", "ant", "cat", "cat")))
    found = with_numbers(load_images(str(photos), str(path)), 3, ("ant", "bee", "cat"))
    assert found.labels.tolist() == [2, 0, 2, 2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (rows("{},{}\n", (0, 1, "x", 0)), "line 3: 'x' is not a class number"),
        (rows("{},{}\n", (0, 1, -2, 0)), "line 3: '-2' is not a class number"),
        (rows("{},{}\n", (0, 1.5, 2, 0)), "line 2: '1.5' is not a class number"),
        (rows("{},{},3\n"), "line 1: 'img 0.jpg 0 3' is not FILE,NUMBER"),
        (rows("{},{}\n", (0, 1, 2)), "no label for img 3.jpg"),
        ("0\n1\n", "has 2 labels, and .* 4 images"),
        ("\n\n", "holds no labels"),
    ],
)
def test_what_does_not_fit_is_said(photos, tmp_path, text, said):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        load_images(str(photos), str(path))


def test_labels_without_measure_are_refused(tmp_path):
    path = tmp_path / "labels.csv"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(UsageError, match="it has more than 256 MB"):
        text_of(path)


def test_files_of_an_array_have_no_names(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((1, 8, 8, 3), np.uint8))
    (tmp_path / "labels.csv").write_text("a.jpg,0\n")
    with pytest.raises(UsageError, match=r"names files, and .* has none"):
        load_images(str(tmp_path / "a.npz"), str(tmp_path / "labels.csv"))
