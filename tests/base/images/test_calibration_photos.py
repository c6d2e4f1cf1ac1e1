"""The photos that int8 export calibrates on by default."""

from importlib.resources import files
from pathlib import Path

import pytest
from PIL import Image

FOLDER = Path(str(files("edgekit"))) / "calibration_photos"
PHOTOS = sorted(FOLDER.glob("*.jpg"))


def test_sixteen_of_them_in_half_a_megabyte():
    assert len(PHOTOS) == 16
    assert sum(photo.stat().st_size for photo in PHOTOS) < 500_000


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo.stem)
def test_opens_as_an_rgb_photo_of_224_by_224(photo):
    with Image.open(photo) as image:
        image.load()
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (224, 224))
        assert all(low < high - 100 for low, high in image.getextrema()), "hardly any contrast"


def test_each_has_a_free_licence_on_record():
    rows = [line.split("|") for line in (FOLDER / "LICENCES.md").read_text().splitlines() if line.count("|") == 6]
    listed = {row[1].strip(): [cell.strip() for cell in row[2:6]] for row in rows[2:]}
    assert set(listed) == {photo.name for photo in PHOTOS}
    for title, author, licence, source in listed.values():
        assert title
        assert author
        assert source
        assert licence in {"public domain", "CC0 1.0", "CC BY 2.0"}
