"""Pixels of photos: those of torchvision's ``Resize`` and ``CenterCrop``, and Pillow's own of odd files."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
from PIL import Image, features

from edgekit.base.images import decode
from edgekit.base.images.decode import photo_notes
from edgekit.base.images.image_arrays import as_grey, fitted
from edgekit.base.images.photo_files import SUFFIXES
from edgekit.base.images.pixels import load_image, load_pixels
from edgekit.errors import UsageError
from edgekit.types import ModelCard, Preprocessing
from edgekit.verify.evaluation_data import load_images

PRE = Preprocessing(resize=40, crop=32, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
GREY = Preprocessing(resize=40, crop=32, mean=(0.5,), std=(0.25,))
WIDE = PRE.model_copy(update={"crop": (32, 48)})
SIZES = [(w, h) for w in (45, 53, 61, 77, 90, 101) for h in (41, 45, 62, 101)]
ORACLE = """
import importlib.util, pathlib, re, sys
import numpy as np, torch
from PIL import Image
try:
    import torchvision
except RuntimeError:  # built for another torch: its operators are declared, none of them is used
    for name in [name for name in sys.modules if name.startswith("torchvision")]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "FRAGMENT")
    folder = pathlib.Path(importlib.util.find_spec("torch").origin).parent.parent / "torchvision"
    source = (folder / "_meta_registrations.py").read_text()
    for name in sorted(set(re.findall(r'register_(?:fake|meta)\\("(?:torchvision::)?(\\w+)"\\)', source))):
        try:
            library.define(f"{name}(Tensor a) -> Tensor")
        except RuntimeError:
            pass
from torchvision import transforms as T
steps = T.Compose([T.Resize(40), T.CenterCrop(32)])
np.savez(sys.argv[2], **{p.stem: np.asarray(steps(Image.open(p))) for p in pathlib.Path(sys.argv[1]).iterdir()})
"""


def test_no_program_is_started_for_a_photo(tmp_path, monkeypatch):
    """Pillow reads PostScript by Ghostscript, whatever the file is called."""
    started = tmp_path / "started"
    ghostscript = tmp_path / "gs"
    ghostscript.write_text(f"#!/bin/sh\n: > '{started}'\n")
    ghostscript.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "photo.jpg").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n")
    with pytest.raises(UsageError, match=r"photo\.jpg is not a readable image: cannot identify"):
        load_image(tmp_path / "photo.jpg", PRE)
    assert not started.exists()


def photo(width: int, height: int, seed: int = 0) -> Image.Image:
    """Smooth colours with noise on them."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 7, 3), np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    return Image.fromarray(
        (np.asarray(coarse).astype(int) + rng.integers(-9, 9, (height, width, 3))).clip(0, 255).astype(np.uint8)
    )


def test_pixels_are_torchvisions_at_every_size(tmp_path):
    (tmp_path / "in").mkdir()
    for width, height in SIZES:
        photo(width, height).save(tmp_path / "in" / f"{width}x{height}.png")
    subprocess.run([sys.executable, "-c", ORACLE, tmp_path / "in", tmp_path / "out.npz"], check=True, timeout=300)
    with np.load(tmp_path / "out.npz") as wanted:
        assert len(wanted.files) == len(SIZES)
        differ = [n for n in wanted.files if (load_image(tmp_path / "in" / f"{n}.png", PRE) != wanted[n]).any()]
    assert differ == []


def test_an_oblong_input_is_covered_and_its_centre_taken(tmp_path):
    wide, tall = photo(90, 60), photo(60, 90)
    wide.save(tmp_path / "a.png")
    tall.save(tmp_path / "b.png")
    # 32 x 48 grows to 40 x 60; 60 x 90 of the same shape is scaled to that, the upright one to a width of 60.
    assert (load_image(tmp_path / "a.png", WIDE) == np.asarray(wide.resize((60, 40), 2).crop((6, 4, 54, 36)))).all()
    assert (load_image(tmp_path / "b.png", WIDE) == np.asarray(tall.resize((60, 90), 2).crop((6, 29, 54, 61)))).all()
    squashed = PRE.model_copy(update={"resize": (40, 40)})
    assert (load_image(tmp_path / "a.png", squashed) == np.asarray(wide.resize((40, 40), 2).crop((4, 4, 36, 36)))).all()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "P", "1", "LA", "RGBA"])
def test_every_mode_is_converted_as_pillow_does(tmp_path, mode):
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    image = photo(40, 40).convert(mode)
    image.save(path)
    assert (load_image(path, PRE) == np.asarray(image.convert("RGB").crop((4, 4, 36, 36)))).all()
    assert (load_image(path, GREY)[..., 0] == np.asarray(image.convert("L").crop((4, 4, 36, 36)))).all()


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grey_is_scaled(tmp_path, suffix):
    grey = photo(40, 40).convert("L")
    Image.fromarray(np.asarray(grey).astype(np.uint16) * 257).save(tmp_path / f"deep.{suffix}")
    made = load_image(tmp_path / f"deep.{suffix}", PRE)
    assert (made == np.asarray(grey.convert("RGB").crop((4, 4, 36, 36)))).all()
    assert photo_notes([tmp_path / f"deep.{suffix}"]) == (
        "1 of 1 images have 16 bits a pixel: scaled, 65535 becomes 255",
    )


@pytest.mark.parametrize("kind", [np.int32, np.float32])
def test_numbers_without_a_range_are_refused(tmp_path, kind):
    Image.fromarray(np.ones((40, 40), kind)).save(tmp_path / "a.tif")
    with pytest.raises(UsageError, match="whose range is not known"):
        load_image(tmp_path / "a.tif", PRE)


def test_photos_are_turned_upright_everywhere_and_that_is_said(tmp_path):
    """The same pixels to calibrate, evaluate and verify; the note in both."""
    upright, exif = photo(60, 45), Image.Exif()
    exif[0x0112] = 6
    folder = tmp_path / "photos"
    folder.mkdir()
    upright.transpose(Image.Transpose.ROTATE_90).save(folder / "a.png", exif=exif)
    upright.save(tmp_path / "b.png")
    wanted = load_image(tmp_path / "b.png", PRE)
    pixels, source = load_pixels(str(folder), PRE)
    images = load_images(str(folder), None)
    assert (pixels[0] == wanted).all()
    assert (images.take(0, 1, PRE)[0] == wanted).all()
    assert source.notes == images.notes
    assert source.notes[0].startswith("1 of 1 images are turned upright as their EXIF data says")
    assert photo_notes([tmp_path / "b.png"]) == ()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_type_is_decoded(tmp_path, suffix):
    formats = {".jfif": "JPEG", ".pgm": "PPM", ".pbm": "PPM", ".pnm": "PPM"}
    if suffix == ".avif" and not features.check("avif"):
        pytest.skip("this Pillow reads no AVIF")
    image = Image.new("RGB", (50, 40), (200, 120, 10))
    image.save(tmp_path / f"a{suffix}", formats.get(suffix))
    pixels, _ = load_pixels(str(tmp_path), PRE)
    assert np.abs(pixels[0].astype(int) - (200, 120, 10)).max() < 12


def test_of_very_many_photos_some_are_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(decode, "LOOKED_AT", 4)
    for number in range(9):
        photo(20, 20).convert("RGBA").save(tmp_path / f"{number}.png")
    assert photo_notes(sorted(tmp_path.iterdir()))[0].startswith("3 of 3 images that were looked at have transparency")


def test_several_frames_or_pages_are_told_and_lab_has_no_transparency(tmp_path):
    frames = [photo(40, 40), photo(40, 40).rotate(90)]
    for name in ("a.gif", "b.webp", "c.tif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    photo(40, 40).convert("LAB").save(tmp_path / "d.tif")
    notes = photo_notes(sorted(tmp_path.iterdir()))
    assert notes == ("3 of 4 images have several frames or pages: the first is taken",)


def test_transparency_is_told(tmp_path):
    photo(40, 40).convert("RGBA").save(tmp_path / "a.png")
    assert "have transparency: it is dropped" in photo_notes([tmp_path / "a.png"])[0]


def test_a_large_photo_comes_without_pillows_warning(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50 * 50)
    photo(60, 60).save(tmp_path / "a.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_image(tmp_path / "a.png", PRE).shape == (32, 32, 3)
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40 * 40)
        with pytest.raises(UsageError, match="it has more than 0 million pixels"):
            load_image(tmp_path / "a.png", PRE)


def test_a_strip_does_not_fill_the_memory(tmp_path):
    Image.new("L", (200_000, 1)).save(tmp_path / "a.png")
    with pytest.raises(UsageError, match="which resizing would make 8000000 x 40"):
        load_image(tmp_path / "a.png", PRE)


@pytest.mark.parametrize("channels", ["RGB", "BGR"])
def test_npz_is_rgb_and_follows_the_cards_order_in_both_readers(tmp_path, channels):
    images = np.zeros((3, 32, 32, 3), np.uint8)
    images[..., 0] = 200
    np.savez(tmp_path / "a.npz", images=images)
    preprocessing = PRE.model_copy(update={"channels": channels})
    calibrated = load_pixels(str(tmp_path / "a.npz"), preprocessing)[0]
    evaluated = load_images(str(tmp_path / "a.npz"), None).take(0, 3, preprocessing)
    assert (calibrated == evaluated).all()
    assert calibrated[0, 0, 0].tolist() == ([200, 0, 0] if channels == "RGB" else [0, 0, 200])


def test_arrays_fit_any_network():
    colour = np.asarray(photo(16, 24))[None]
    assert fitted(colour, WIDE).shape == (1, 32, 48, 3)
    assert (fitted(colour, WIDE)[0] == np.asarray(Image.fromarray(colour[0]).resize((48, 32), 2))).all()
    assert (as_grey(colour)[0, ..., 0] == np.asarray(Image.fromarray(colour[0]).convert("L"))).all()
    assert fitted(colour, GREY).shape == fitted(colour[..., 0], GREY).shape == (1, 32, 32, 1)
    assert (fitted(colour[..., :1], PRE)[..., 0] == fitted(colour[..., :1], PRE)[..., 2]).all()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mean": [123.7, 116.3, 103.5], "std": [58.4, 57.1, 57.4]}, "look like units of 0 to 255"),
        ({"std": [0.0, 0.2, 0.2]}, "std must be above 0"),
        ({"mean": [0.5]}, "mean has 1 value"),
        ({"mean": [0.5], "std": [0.5]}, "input_shape has 3 channels, and preprocessing makes L images"),
        ({"mean": [float("nan"), 0.5, 0.5]}, "finite"),
        ({"crop": 28}, "input_shape .* and preprocessing.crop, 28 x 28, do not agree"),
        ({"resize": 30}, "resize 30 is less than crop 32"),
        ({"resize": [40, 30]}, "is less than crop 32"),
    ],
)
def test_impossible_preprocessing_is_refused(changes, said):
    plain = card().to_plain()
    plain["preprocessing"] |= changes
    with pytest.raises(ValueError, match=said):
        ModelCard.from_plain(plain)


def card(**changes) -> ModelCard:
    base = {
        "id": "a",
        "family": "squeezenet",
        "title": "a",
        "paper": "p",
        "licence": "l",
        "architecture": {},
        "num_classes": 2,
        "input_shape": [3, 32, 32],
        "params": 1,
        "macs": 1,
        "preprocessing": {"resize": 40, "crop": 32, "mean": [0.5] * 3, "std": [0.25] * 3},
    }
    return ModelCard.from_plain({**base, **changes})


def test_an_oblong_card_and_a_grey_one():
    wide = card(input_shape=[3, 32, 48])
    assert wide.preprocessing.size == (32, 48)
    assert ModelCard.from_plain(wide.to_plain()) == wide
    with pytest.raises(ValueError, match="do not agree"):
        card(input_shape=[3, 48, 64])
    grey = card(input_shape=[1, 32, 32], preprocessing={"resize": 40, "crop": 32, "mean": [0.5], "std": [0.5]})
    assert grey.preprocessing.channels == "L"
