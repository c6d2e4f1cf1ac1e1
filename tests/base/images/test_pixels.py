"""Photos to inputs and outputs to numbers; and every way in which a folder of photos can be none."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgekit.base.images.pixels import (
    MAX_IMAGES,
    from_output,
    image_files,
    load_image,
    load_pixels,
    normalise,
    to_input,
)
from edgekit.errors import UsageError
from edgekit.types import Preprocessing, QuantParams, TensorSpec

PRE = Preprocessing(resize=40, crop=32, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
BGR = PRE.model_copy(update={"channels": "BGR"})
BAKED = PRE.model_copy(update={"baked": True})


def spec(dtype="float32", layout="NCHW", quantization=None, preprocessing=PRE) -> TensorSpec:
    shape = (1, 3, 32, 32) if layout == "NCHW" else (1, 32, 32, 3)
    return TensorSpec(
        name="input", shape=shape, layout=layout, dtype=dtype, quantization=quantization, preprocessing=preprocessing
    )


def noise(seed: int, count: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), np.uint8)


def photo(path: Path, size=(60, 50), colour=(250, 120, 10)) -> Path:
    Image.new("RGB", size, colour).save(path)
    return path


# Numbers


@given(
    dtype=st.sampled_from(["int8", "uint8"]),
    scale=st.floats(0.005, 0.2),
    zero=st.integers(0, 255),
    layout=st.sampled_from(["NCHW", "NHWC"]),
    seed=st.integers(0, 100),
)
@settings(max_examples=60, deadline=None)
def test_stored_input_is_within_half_a_step(dtype, scale, zero, layout, seed):
    low = int(np.iinfo(dtype).min)
    params = QuantParams(scale=scale, zero_point=zero + low)
    pixels = noise(seed)
    stored = to_input(pixels, spec(dtype, layout, params))
    assert stored.dtype == dtype
    assert stored.flags.c_contiguous
    real = from_output(stored, spec(dtype, layout, params))
    if layout == "NHWC":
        real = real.transpose(0, 3, 1, 2)
    exact = normalise(pixels, PRE)
    inside = (exact > (low - params.zero_point) * scale) & (exact < (low + 255 - params.zero_point) * scale)
    assert np.abs(real - exact)[inside].max(initial=0) <= scale * 0.501
    # What does not fit sits at the nearest end.
    ends = np.where(exact > 0, low + 255, low)
    outside = ~inside & (np.abs(real - exact) > scale * 0.501)
    back = stored.transpose(0, 3, 1, 2) if layout == "NHWC" else stored
    assert (back[outside] == ends[outside]).all()


@given(
    dtype=st.sampled_from(["int8", "uint8"]),
    scale=st.floats(1e-6, 1e3),
    zero=st.integers(0, 255),
    seed=st.integers(0, 9),
)
def test_output_round_trip(dtype, scale, zero, seed):
    limits = np.iinfo(dtype)
    params = QuantParams(scale=scale, zero_point=zero + int(limits.min))
    stored = np.random.default_rng(seed).integers(limits.min, limits.max + 1, (3, 10)).astype(dtype)
    real = from_output(stored, spec(dtype, quantization=params))
    assert real.dtype == np.float32
    assert (np.round(real / np.float32(scale)).astype(int) + params.zero_point == stored).all()


def test_float_output_is_kept_and_half_is_widened():
    values = np.array([[1.5, -2.0]])
    assert from_output(values.astype(np.float16), spec("float16")).dtype == np.float32
    assert (from_output(values, spec()) == values).all()


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_baked_input_is_the_pixels(layout):
    pixels = noise(0)
    given_ = to_input(pixels, spec("uint8", layout, None, BAKED))
    assert given_.dtype == np.uint8
    assert (given_ == (pixels if layout == "NHWC" else pixels.transpose(0, 3, 1, 2))).all()


def test_normalise_is_the_formula():
    pixels = noise(1)
    expected = (pixels.transpose(0, 3, 1, 2) / 255 - np.reshape(PRE.mean, (3, 1, 1))) / np.reshape(PRE.std, (3, 1, 1))
    made = normalise(pixels, PRE)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, expected, atol=1e-6)
    assert (to_input(pixels, spec(layout="NHWC")) == made.transpose(0, 2, 3, 1)).all()


# Images


@pytest.mark.parametrize(("preprocessing", "colour"), [(PRE, (250, 120, 10)), (BGR, (10, 120, 250))])
def test_channel_order(tmp_path, preprocessing, colour):
    made = load_image(photo(tmp_path / "a.png"), preprocessing)
    assert made.shape == (32, 32, 3)
    assert (made == colour).all()


@given(width=st.integers(1, 200), height=st.integers(1, 200), interpolation=st.sampled_from(["bilinear", "bicubic"]))
@settings(max_examples=40, deadline=None)
def test_any_size_becomes_the_crop(tmp_path_factory, width, height, interpolation):
    path = photo(tmp_path_factory.mktemp("size") / "a.png", (width, height))
    made = load_image(path, PRE.model_copy(update={"interpolation": interpolation}))
    assert made.shape == (32, 32, 3)
    assert made.dtype == np.uint8
    assert (made == (250, 120, 10)).all()


def test_crop_is_the_centre(tmp_path):
    image = Image.new("RGB", (120, 40), "black")
    image.paste((255, 255, 255), (44, 4, 76, 36))  # exactly the crop of the middle
    image.save(tmp_path / "a.png")
    assert (load_image(tmp_path / "a.png", PRE) == 255).all()


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "LA", "I;16"])
def test_any_mode_becomes_rgb(tmp_path, mode):
    suffix = "jpg" if mode == "CMYK" else "png"
    Image.new(mode, (50, 50)).save(tmp_path / f"a.{suffix}")
    assert load_image(tmp_path / f"a.{suffix}", PRE).shape == (32, 32, 3)


def bomb() -> bytes:
    """The head of a PNG that claims 100,000 x 100,000 pixels."""
    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(head)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return start + struct.pack(">I", 100) + b"IDAT" + bytes(100)


def truncated(suffix: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(noise(0, 1)[0]).save(stream, "JPEG" if suffix == "jpg" else suffix.upper())
    return stream.getvalue()[: len(stream.getvalue()) // 2]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.jpg", b""),
        ("text.png", b"not an image"),
        ("cut.jpg", truncated("jpg")),
        ("cut.png", truncated("png")),
        ("cut.bmp", truncated("bmp")),
        ("cut.webp", truncated("webp")),
        ("bomb.png", bomb()),
    ],
)
def test_broken_image_is_named(tmp_path, name, content):
    photo(tmp_path / "good.png")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=f"{name} is not a readable image") as caught:
        load_pixels(str(tmp_path), PRE)
    assert caught.value.hint
    assert "\n" not in str(caught.value)


# Folders


def test_folder_is_read_in_order_and_below(tmp_path):
    (tmp_path / "deep").mkdir()
    for name, level in (("b.png", 20), ("a.JPG", 10), ("deep/c.bmp", 30)):
        photo(tmp_path / name, colour=(level, level, level))
    (tmp_path / "notes.txt").write_text("not an image")
    pixels, images = load_pixels(str(tmp_path), PRE)
    assert np.round(pixels.mean((1, 2, 3))).tolist() == [10, 20, 30]
    assert (images.kind, images.source, images.count) == ("folder", str(tmp_path), 3)


def test_same_pixels_same_digest(tmp_path):
    photo(tmp_path / "a.png")
    one = load_pixels(str(tmp_path), PRE)[1]
    (tmp_path / "a.png").rename(tmp_path / "z.png")
    assert load_pixels(str(tmp_path), PRE)[1] == one
    photo(tmp_path / "z.png", colour=(0, 0, 0))
    assert load_pixels(str(tmp_path), PRE)[1].sha256 != one.sha256


@pytest.mark.parametrize(
    ("files", "said"),
    [([], r"holds no image \(0 other files\)"), (["a.txt", "b.mp4"], r"holds no image \(2 other files\)")],
)
def test_folder_without_images(tmp_path, files, said):
    for name in files:
        (tmp_path / name).write_text("x")
    with pytest.raises(UsageError, match=said) as caught:
        load_pixels(str(tmp_path), PRE)
    assert ".jpg" in caught.value.hint


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_no_folder(tmp_path, kind):
    path = tmp_path / "photos"
    if kind == "file":
        path.write_text("x")
    with pytest.raises(UsageError, match="no folder of images at"):
        load_pixels(str(path), PRE)


@pytest.mark.parametrize("count", [1, MAX_IMAGES, MAX_IMAGES + 1, 3 * MAX_IMAGES - 1])
def test_a_large_folder_is_sampled_evenly(tmp_path, count):
    for index in range(count):
        (tmp_path / f"{index:05}.png").touch()
    paths, total, notes = image_files(tmp_path)
    assert total == count
    chosen = [int(path.stem) for path in paths]
    assert notes == ((f"{MAX_IMAGES} of {count} images, evenly spaced",) if count > MAX_IMAGES else ())
    assert len(chosen) == min(count, MAX_IMAGES)
    assert chosen == sorted(set(chosen))
    assert chosen[0] == 0
    steps = set(np.diff(chosen))
    assert max(steps, default=1) - min(steps, default=1) <= 1
    assert chosen[-1] > count - 2 - count / MAX_IMAGES


# Named sources


def test_synthetic_is_seeded_and_said():
    one, images = load_pixels("synthetic", PRE)
    assert (images.kind, images.count) == ("synthetic", len(one))
    assert (one == load_pixels("synthetic", PRE)[0]).all()
    assert one.shape[1:] == (32, 32, 3)


def test_bundled_photos_are_the_default():
    pixels, images = load_pixels(None, PRE)
    assert images.kind == "bundled"
    assert pixels.shape == (images.count, 32, 32, 3)
    assert images.count >= 16


def test_npz(tmp_path):
    pixels = noise(3, 2 * MAX_IMAGES)
    np.savez(tmp_path / "a.npz", images=pixels)
    read, images = load_pixels(str(tmp_path / "a.npz"), PRE)
    assert (read == pixels[::2]).all()  # sorted by class, the first of them would be of one class
    assert (images.kind, images.count, images.given) == ("npz", MAX_IMAGES, 2 * MAX_IMAGES)


def test_how_far_a_folder_is_read_is_told(tmp_path):
    for index, pixels in enumerate(noise(0, 3)):
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    told = []
    load_pixels(str(tmp_path), PRE, each=lambda *done: told.append(done))
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"other": noise(0)}, "holds no array named images"),
        ({"images": noise(0).astype(np.float32)}, r"images is float32 \[2, 32, 32, 3\]"),
        ({"images": noise(0).transpose(0, 3, 1, 2)}, r"images is uint8 \[2, 3, 32, 32\]"),
        ({"images": noise(0)[0, 0]}, r"images is uint8 \[32, 3\]"),
        ({"images": noise(0)[:0]}, r"images is uint8 \[0, 32, 32, 3\]"),
        ({"images": np.array([{"code": 1}], object)}, "cannot read .*pickle"),
    ],
)
def test_wrong_arrays(tmp_path, arrays, said):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(UsageError, match=said):
        load_pixels(str(tmp_path / "a.npz"), PRE)


def broken_npz(kind: str) -> bytes:
    stream = io.BytesIO()
    if kind == "bare array":
        np.save(stream, noise(0))
        return stream.getvalue()
    if kind == "no array inside":
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("images.npy", b"not an array")
        return stream.getvalue()
    np.savez_compressed(stream, images=noise(0))
    whole = stream.getvalue()
    if kind == "cut":
        return whole[: len(whole) // 2]
    if kind == "flipped":
        return whole[:1000] + bytes(byte ^ 255 for byte in whole[1000:1100]) + whole[1100:]
    return {"empty": b"", "text": b"not a zip file"}[kind]


@pytest.mark.parametrize("kind", ["empty", "text", "cut", "flipped", "bare array", "no array inside"])
def test_broken_npz(tmp_path, kind):
    (tmp_path / "a.npz").write_bytes(broken_npz(kind))
    with pytest.raises(UsageError, match=r"cannot read .*a\.npz") as caught:
        load_pixels(str(tmp_path / "a.npz"), PRE)
    assert "\n" not in str(caught.value)


def test_missing_npz(tmp_path):
    with pytest.raises(UsageError, match=r"cannot read .*No such file"):
        load_pixels(str(tmp_path / "none.npz"), PRE)
