from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgekit.base.fetched import archives
from edgekit.base.fetched.archives import check_archive, check_npz, members, read_gzip


def header(shape: tuple[int, ...]) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return stream.getvalue()


def test_an_archive_that_grows_without_measure_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 1 << 20)
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, images=np.zeros((4 << 20,), np.uint8))
    for check in (check_archive, check_npz):
        with pytest.raises(ValueError, match=r"its 0\.0 MB would unpack to 0\.0 GB"):
            check(path)
    np.savez(path, images=np.zeros((4 << 20,), np.uint8))
    check_npz(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (header((10**12, 224, 224, 3)) + b"x", "and 129 bytes are there"),
        (b"\x93NUMPY\x01\x00\xff\xff" + b"[" * 65535, "Header info length"),
        (b"no array", r"images\.npy does not begin as an array"),
        (b"", r"images\.npy does not begin as an array"),
        (b"\x93NUMPY\x04\x00", r"unknown version \(4, 0\)"),
    ],
)
def test_an_array_is_as_large_as_it_says(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", content)
    with pytest.raises(ValueError, match=said):
        check_npz(path)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("name", ["images.npy", "images"])
def test_whatever_numpy_takes_for_an_array_is_as_large_as_it_says(
    version: tuple[int, int], name: str, tmp_path: Path
) -> None:
    said = header((10**12, 224, 224, 3))
    length = said[8:10] if version == (1, 0) else said[8:10] + bytes(2)
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"\x93NUMPY" + bytes(version) + length + said[10:] + b"x")
    with np.load(path) as file, pytest.raises(MemoryError):
        file["images"]
    with pytest.raises(ValueError, match=r"uint8 \[1000000000000, 224, 224, 3\], and \d+ bytes are there"):
        check_npz(path)


def test_what_is_no_array_may_lie_beside_them(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, a=np.arange(5))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("README", "of five numbers")
    check_npz(path)


def test_gzip_that_grows_without_measure_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 1 << 20)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(4 << 20)))
    with pytest.raises(ValueError, match=r"its 0\.0 MB unpack to more than 0\.0 GB"):
        read_gzip(path)
    # Weights and photos hardly get smaller: of those much more comes through than any archive may unpack to.
    plain = np.random.default_rng(0).bytes(2 << 20)
    path.write_bytes(gzip.compress(plain))
    assert read_gzip(path) == plain


def test_what_is_whole_or_no_archive_is_left_alone(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.arange(5), b=np.array(3.0), c=np.zeros((0, 3)), d=np.array([{}], dtype=object))
    check_npz(tmp_path / "a.npz")
    np.save(tmp_path / "a.npy", np.arange(5))
    check_npz(tmp_path / "a.npy")


def test_a_damaged_archive_is_a_value_error(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", a=np.arange(5000))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[40:60] = bytes(20)
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"\w"):
        check_npz(tmp_path / "a.npz")


def test_the_names_in_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w"):
        pass
    assert members(path) == ()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("b/c", b"")
    assert members(path) == ("b/c",)
    path.write_bytes(path.read_bytes()[:10])
    assert members(path) is None
    assert members(tmp_path / "missing") is None
