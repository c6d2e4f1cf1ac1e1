from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgekit.base.fetched import archives
from edgekit.base.fetched.archives import check_archive, check_npz, members


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
        (b"no array", "magic string"),
        (b"", "EOF"),
    ],
)
def test_an_array_is_as_large_as_it_says(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", content)
    with pytest.raises(ValueError, match=said):
        check_npz(path)


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
