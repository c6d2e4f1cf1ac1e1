"""The programs beside an artifact: they run by themselves and prepare photos as edgekit does."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from edgekit.artifacts.snippet.constants import cpp_tensors, kotlin_tensors, photo_values
from edgekit.artifacts.snippet.write import CPP_FILE, KOTLIN_FILE, SNIPPET_FILE, write_snippet
from edgekit.artifacts.store import read_manifest
from edgekit.base.images.pixels import BUNDLED, load_image, to_input
from edgekit.types import Artifact, Preprocessing, QuantParams, Runtime, TensorSpec
from edgekit.types.artifacts import CHECK_FILE

TINY = Path(__file__).parents[2] / "data" / "artifacts" / "tiny"
PHOTOS = sorted(BUNDLED.glob("*.jpg"))[:4]
PROFILES = sorted(path.name for path in TINY.iterdir() if path.is_dir())
PLAIN: dict[str, Any] = {"interpolation": "bilinear", "channels": "RGB", "mean": (0.485, 0.456, 0.4), "std": (0.2,) * 3}
WAYS = [
    Preprocessing(resize=73, crop=64, **PLAIN),
    Preprocessing(resize=64, crop=64, **PLAIN | {"interpolation": "bicubic", "channels": "BGR"}),
    Preprocessing(resize=(70, 90), crop=(64, 80), **PLAIN),
    Preprocessing(resize=100, crop=(64, 80), **PLAIN),
    Preprocessing(resize=33, crop=32, **PLAIN | {"channels": "L", "mean": (0.3,), "std": (0.35,)}),
    Preprocessing(resize=71, crop=64, **PLAIN | {"interpolation": "lanczos"}, baked=True),
    Preprocessing(resize=71, crop=64, **PLAIN | {"interpolation": "nearest"}),
]
KINDS = {
    "float32": None,
    "uint8": QuantParams(scale=0.02, zero_point=114),
    "int8": QuantParams(scale=0.02, zero_point=-14),
}


def placed(folder: Path, profile: str) -> tuple[Path, Artifact]:
    """A copy of a tiny artifact with its program."""
    shutil.copytree(TINY / profile, folder / profile)
    artifact = read_manifest(folder / profile).artifact
    write_snippet(folder / profile, artifact)
    return folder / profile, artifact


def used(folder: Path, *arguments: str | Path) -> str:
    """What the program prints; nothing of edgekit is on its path."""
    program = [sys.executable, "-I", str(folder / SNIPPET_FILE), *map(str, arguments)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("profile", PROFILES)
def test_it_runs_every_tiny_artifact(tmp_path: Path, profile: str) -> None:
    folder, artifact = placed(tmp_path, profile)
    spec = artifact.inputs[0]
    values = np.zeros(spec.shape, spec.dtype)
    np.savez(tmp_path / "in.npz", **{spec.name: values})
    assert artifact.outputs[0].name in used(folder, tmp_path / "in.npz", tmp_path / "out.npz")
    made = np.load(tmp_path / "out.npz")[artifact.outputs[0].name]
    assert made.shape == artifact.outputs[0].shape
    if (folder / "classes.txt").is_file():
        assert (folder / "classes.txt").read_text().splitlines()[0] in used(folder, PHOTOS[0])


def test_a_photo_that_is_not_there(tmp_path: Path) -> None:
    folder, _ = placed(tmp_path, "tflite-fp32")
    program = [sys.executable, "-I", str(folder / SNIPPET_FILE), "nowhere.jpg"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (1, "no such file: nowhere.jpg\n")


def spec_of(way: Preprocessing, dtype: str) -> TensorSpec:
    """An input that takes photos; every other kind has its channels first."""
    count, last = len(way.mean), dtype != "int8"
    return TensorSpec(
        name="input",
        shape=(1, *way.size, count) if last else (1, count, *way.size),
        layout="NHWC" if last else "NCHW",
        dtype=dtype,
        quantization=None
        if dtype == "float32"
        else QuantParams(scale=0.02, zero_point=-14 if dtype == "int8" else 114),
        preprocessing=way,
    )


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("dtype", KINDS)
def test_photos_become_what_edgekit_makes_of_them(tmp_path: Path, way: Preprocessing, dtype: str) -> None:
    folder, _ = placed(tmp_path, "tflite-fp32")
    found = importlib.util.spec_from_file_location("use_snippet", folder / SNIPPET_FILE)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    spec = spec_of(way, dtype)
    for photo in PHOTOS:
        expected = to_input(load_image(photo, way)[None], spec)
        assert np.array_equal(module.photo_to_input(photo, spec.model_dump(mode="json")), expected)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_check_tells_how_near_it_is(tmp_path: Path, profile: str) -> None:
    folder, artifact = placed(tmp_path, profile)
    assert "export the artifact again" in refused(folder, "--check")
    exact = write_check(folder, artifact, tmp_path)
    assert used(folder, "--check") == f"{artifact.outputs[0].name}: 40.0 dB\n"
    assert np.fromfile(folder / "use" / "check_reference_0.bin", np.float32).tolist() == exact.reshape(-1).tolist()


def refused(folder: Path, *arguments: str) -> str:
    program = [sys.executable, "-I", str(folder / SNIPPET_FILE), *arguments]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    return done.stderr


def write_check(folder: Path, artifact: Artifact, place: Path) -> Any:
    """Check data whose reference differs from the artifact's own output by a hundredth: 40 dB."""
    spec, out = artifact.inputs[0], artifact.outputs[0]
    values = np.random.default_rng(3).random(spec.shape, np.float32)
    stored = values if spec.dtype == "float32" else (values * 200 - 100).astype(spec.dtype)
    np.savez(place / "in.npz", **{spec.name: stored})
    used(folder, place / "in.npz", place / "out.npz")
    made = np.load(place / "out.npz")[out.name]
    np.savez(folder / CHECK_FILE, input=stored, reference=made / np.float32(1.01))
    write_snippet(folder, artifact)
    return made / np.float32(1.01)


def packages() -> Path:
    return Path(np.__file__).parents[1]


@pytest.fixture
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Runtime], list[str]]:
    """What the compiler needs for a runtime's program: the runtime is that of the Python package."""

    def options(runtime: Runtime) -> list[str]:
        if runtime == "litert":
            file = packages() / "ai_edge_litert" / "libLiteRt.so"
            return [str(file), f"-Wl,-rpath,{file.parent}"]
        if runtime == "openvino":
            (file,) = (packages() / "openvino" / "libs").glob("libopenvino.so.*")
            return ["-isystem", str(packages() / "openvino" / "include"), str(file), f"-Wl,-rpath,{file.parent}"]
        headers = request.getfixturevalue("onnxruntime_headers")
        (file,) = (packages() / "onnxruntime" / "capi").glob("libonnxruntime.so.*")
        link = tmp_path / "libonnxruntime.so.1"  # the name that it has in its own words
        link.symlink_to(file)
        return ["-isystem", str(headers), str(link), f"-Wl,-rpath,{tmp_path}"]

    return options


def compiled(source: Path, options: list[str]) -> Path:
    """A program in C++, whose compiler says nothing."""
    if shutil.which("g++") is None:
        pytest.skip("needs g++")
    program = source.with_suffix("")
    command = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-O1", str(source), *options, "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    return program


def ran(program: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(program), *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "profile", [name if "onnx" not in name else pytest.param(name, marks=pytest.mark.network) for name in PROFILES]
)
def test_the_program_in_cpp_runs_the_artifact(
    tmp_path: Path, profile: str, library: Callable[[Runtime], list[str]]
) -> None:
    folder, artifact = placed(tmp_path, profile)
    exact = write_check(folder, artifact, tmp_path)
    program = compiled(folder / "use" / CPP_FILE, library(artifact.runtime))
    done = ran(program, folder, "--check")
    assert done.returncode == 0, done.stderr
    name, decibels = done.stdout.removesuffix(" dB\n").split(": ")
    assert name == artifact.outputs[0].name
    assert float(decibels) == pytest.approx(40, abs=0.1)
    assert ran(program, folder, "--raw", folder / "use" / "check_input_0.bin", tmp_path / "out").returncode == 0
    stored = np.fromfile(tmp_path / "out_0.bin", artifact.outputs[0].dtype)
    kept = artifact.outputs[0].quantization
    made = stored if kept is None else (stored.astype(np.float32) - kept.zero_point) * np.float32(kept.scale)
    assert np.allclose(made, exact.reshape(-1) * 1.01, atol=1e-5)
    short = ran(program, folder, "--raw", folder / "manifest.json", tmp_path / "out")
    assert short.returncode == 1
    assert short.stderr
    assert ran(program, folder, "nowhere.ppm").stderr.endswith("use --raw\n")
    assert ran(program).returncode == 2


def pixel_ways() -> list[tuple[Preprocessing, TensorSpec]]:
    return [(way, spec_of(way, dtype)) for way in WAYS for dtype in KINDS]


def as_ppm(photo: Path, folder: Path) -> Path:
    with Image.open(photo) as opened:
        ImageOps.exif_transpose(opened).convert("RGB").save(folder / f"{photo.stem}.ppm")
    return folder / f"{photo.stem}.ppm"


def expected_bytes(photo: Path) -> bytes:
    return b"".join(to_input(load_image(photo, way)[None], spec).tobytes() for way, spec in pixel_ways())


@pytest.mark.slow
def test_photos_in_cpp(tmp_path: Path, library: Callable[[Runtime], list[str]]) -> None:
    folder, _ = placed(tmp_path, "tflite-fp32")
    ways = [", ".join(photo_values(way, spec, "{", "}")) for way, spec in pixel_ways()]
    specs = cpp_tensors([spec for _, spec in pixel_ways()])
    (folder / "use" / "pixels.cpp").write_text(
        '#define main its_main\n#include "use.cpp"\n#undef main\n'
        f"static const std::vector<Photo> kWays = {{{', '.join(f'{{{way}}}' for way in ways)}}};\n"
        f"static const std::vector<Tensor> kSpecs = {{{specs}}};\n"
        "int main(int, char** words) {\n"
        "    const Picture photo = read_picture(words[1]);\n"
        "    for (size_t at = 0; at < kWays.size(); at++) {\n"
        "        const Bytes made = photo_to_input(photo, kWays[at], kSpecs[at]);\n"
        "        std::cout.write(reinterpret_cast<const char*>(made.data()), made.size());\n"
        "    }\n}\n"
    )
    program = compiled(folder / "use" / "pixels.cpp", library("litert"))
    for photo in PHOTOS:
        taken = subprocess.run([program, as_ppm(photo, tmp_path)], capture_output=True, timeout=120, check=True)
        assert taken.stdout == expected_bytes(photo)


STUBS = """package com.google.ai.edge.litert
import android.content.res.AssetManager
enum class Accelerator { CPU, GPU, NPU }
class TensorBuffer : AutoCloseable {
    fun writeInt(data: IntArray) {}
    fun writeFloat(data: FloatArray) {}
    fun writeInt8(data: ByteArray) {}
    fun writeBoolean(data: BooleanArray) {}
    fun writeLong(data: LongArray) {}
    fun readInt(): IntArray = IntArray(0)
    fun readFloat(): FloatArray = FloatArray(0)
    fun readInt8(): ByteArray = ByteArray(0)
    fun readBoolean(): BooleanArray = BooleanArray(0)
    fun readLong(): LongArray = LongArray(0)
    override fun close() {}
}
class CompiledModel : AutoCloseable {
    class Options(vararg accelerators: Accelerator)
    fun createInputBuffer(inputName: String, signature: String = ""): TensorBuffer = TensorBuffer()
    fun createOutputBuffer(outputName: String, signature: String = ""): TensorBuffer = TensorBuffer()
    fun run(inputs: Map<String, TensorBuffer>, outputs: Map<String, TensorBuffer>, signature: String = "") {}
    override fun close() {}
    companion object { fun create(assets: AssetManager, name: String, options: Options) = CompiledModel() }
}
"""
"""The signatures of LiteRT's Kotlin interface that the program uses; nothing of it runs here."""
ANDROID = {
    "res": "package android.content.res\nclass AssetManager {\n"
    "    fun open(name: String): java.io.InputStream = java.io.File(name).inputStream()\n"
    "    fun list(path: String): Array<String>? = arrayOf(path)\n}\n",
    "content": "package android.content\nclass Context(val assets: android.content.res.AssetManager)\n",
    "graphics": "package android.graphics\n"
    "class Bitmap(val width: Int, val height: Int, private val packed: IntArray) {\n"
    "    fun getPixels(to: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int) {\n"
    "        for (at in packed.indices) to[at] = packed[at]\n    }\n}\n",
}
KOTLIN_MAIN = """
fun main(words: Array<String>) {
    val file = java.io.DataInputStream(java.io.FileInputStream(words[0]))
    val rows = file.readInt()
    val columns = file.readInt()
    val bitmap = Bitmap(columns, rows, IntArray(rows * columns) { file.readInt() })
    for (at in WAYS.indices) System.out.write(photoToInput(pictureOf(bitmap), WAYS[at], SPECS[at]))
    System.out.flush()
}
"""


@pytest.mark.slow
def test_photos_in_kotlin(tmp_path: Path) -> None:
    """The whole program is compiled, against the signatures of Android and LiteRT; its way to an input runs."""
    if shutil.which("kotlinc") is None:
        pytest.skip("needs kotlinc")
    folder, _ = placed(tmp_path, "tflite-int8")
    ways = [f"Photo({', '.join(photo_values(way, spec, 'floatArrayOf(', ')'))})" for way, spec in pixel_ways()]
    specs = kotlin_tensors([spec for _, spec in pixel_ways()])
    lists = f"val WAYS = listOf({', '.join(ways)})\nval SPECS = listOf({specs})\n"
    sources = {"Litert.kt": STUBS, **{f"{name}.kt": text for name, text in ANDROID.items()}}
    sources["Use.kt"] = (folder / "use" / KOTLIN_FILE).read_text() + lists + KOTLIN_MAIN
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
    command = [
        "kotlinc",
        *(str(tmp_path / name) for name in sources),
        "-include-runtime",
        "-d",
        str(tmp_path / "use.jar"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    for photo in PHOTOS:
        with Image.open(photo) as opened:
            pixels = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"), np.uint32)
        packed = 0xFF000000 | pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]
        raw = np.array(pixels.shape[:2], ">u4").tobytes() + packed.astype(">u4").tobytes()
        (tmp_path / "photo.raw").write_bytes(raw)
        java = ["java", "-cp", str(tmp_path / "use.jar"), "UseKt", str(tmp_path / "photo.raw")]
        taken = subprocess.run(java, capture_output=True, timeout=120, check=True)
        assert taken.stdout == expected_bytes(photo)
