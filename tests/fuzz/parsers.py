"""The parsers of what strangers write, each with its seeds."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.artifacts.store import read_manifest
from edgekit.base.owned import MANIFEST
from edgekit.bench.answers import SpoiltError, Value, checked, parse
from edgekit.catalog import find_card, find_profile
from edgekit.cli.show.models import model_details
from edgekit.devices.entries import read_entries
from edgekit.devices.phone import state as phone_state
from edgekit.devices.phone.battery import look_of
from edgekit.devices.phone.benchmark_output import parse_output
from edgekit.devices.phone.benchmark_result import read_result
from edgekit.errors import EdgekitError
from edgekit.gate.baselines import PIN, read_pin
from edgekit.gate.config import read_config
from edgekit.reports.counted.store import load_count
from edgekit.reports.counted.words import grown, markdown_section
from edgekit.reports.csv_file import measured
from edgekit.reports.indexed.summaries import read_back, summarised, written
from edgekit.reports.markdown import render_markdown
from edgekit.reports.store import digest, load
from edgekit.reports.summary import summarise
from edgekit.types import Baseline
from edgekit.verbs.search.study import kept_settings, tried_in
from edgekit.verify.foreign import external_files
from edgekit.verify.label_file import numbers_of, read_rows
from edgekit.zoo.checkpoints import read_checkpoint
from edgekit.zoo.class_names import beside as class_names_beside
from edgekit.zoo.conventions import named_tf
from edgekit.zoo.preprocessing_files import beside as preprocessing_beside
from edgekit.zoo.trainer_args import trainer_args

CORPUS = Path(__file__).parent / "corpus"

RESULT = "0a0178120f0d000090401500008040" + "2d000088401a0d08ac0210ffffffffffffffffff01220210327a017a"
"""A result file of LiteRT's benchmark: protobuf."""
GRAPH = (
    "0a580a1c4d6f62696c656e657456312f436f6e7632645f302f776569676874731205436f6e73742a310a0576616c75651228"
    "4226080112101202080112020801120208021202080222100000803f0000803f0000803f0000803f"
)
"""A constant of a frozen graph: protobuf."""
ONNX = (
    "080e3a600a0e0a01780a017712017922034164641201672a29080a10014201776a110a086c6f636174696f6e1205772e6269"
    "6e6a0b0a066f666673657412013070015a0f0a0178120a0a08080112040a02080a620f0a0179120a0a08080112040a02080a"
    "4202101c"
)
"""A network whose weights lie in another file: protobuf."""

Parser = Callable[[bytes], object]
PARSERS: dict[str, Parser] = {}


def parser(function: Parser) -> Parser:
    """Register a parser under its name."""
    PARSERS[function.__name__] = function
    return function


def file_of(name: str, content: bytes) -> Path:
    """The content as a file in the folder of the test."""
    path = Path(name)
    path.write_bytes(content)
    return path


@parser
def manifest(content: bytes) -> object:
    return read_manifest(file_of(MANIFEST, content).parent)


@parser
def measurement(content: bytes) -> object:
    """A report, sealed anew where that is possible: whoever writes one can seal it."""
    m = load(file_of("measurement.json", resealed(content, "digest", digest)))
    assert read_back(written(summarised(m))) == summarised(m)
    return measured(m), render_markdown(summarise([m], {}), "0")


@parser
def counts(content: bytes) -> object:
    """Counts, sealed anew where that is possible."""
    counted = load_count(file_of("counts.json", resealed(content, "digest", digest)))
    return markdown_section([counted]), grown(counted, counted), counted.key, counted.noise


@parser
def pin(content: bytes) -> object:
    return read_pin(file_of(PIN, resealed(content, "seal", seal_of)).parent)


@parser
def card(content: bytes) -> object:
    return model_details(find_card(str(file_of("card.toml", content))))


@parser
def profile(content: bytes) -> object:
    return find_profile(str(file_of("profile.toml", content)))


@parser
def gate(content: bytes) -> object:
    config = read_config(file_of("gate.toml", content), {"mobilenet_v1_0.25"})
    return config.lookup("rpi4", "mobilenet_v1_0.25")


@parser
def devices(content: bytes) -> object:
    file_of("devices.toml", content)
    return read_entries()


@parser
def sidecar(content: bytes) -> object:
    """What lies beside a checkpoint, read by all who look there."""
    for name in ("config.json", "preprocessor_config.json"):
        file_of(name, content)
    weights = Path("weights.pth")
    return class_names_beside(weights), named_tf(weights), preprocessing_beside(weights)


@parser
def args_yaml(content: bytes) -> object:
    """What timm's trainer leaves beside a checkpoint."""
    file_of("args.yaml", content)
    return trainer_args(Path("weights.pth"), None, find_card("mobilenet_v3_large_1.0"))


@parser
def journal(content: bytes) -> object:
    """The journal of a search."""
    file_of("journal.log", content)
    return kept_settings(Path()), tried_in(Path())


@parser
def onnx_file(content: bytes) -> object:
    return external_files(file_of("model.onnx", content))


@parser
def agent(content: bytes) -> object:
    """A line of an agent; an answer is held against every command."""
    try:
        message = parse(content)
    except SpoiltError:
        return None
    for command in ("bench", "state", "memory", "per_op", "sustained", "roofline", "info"):
        if isinstance(message, Value):
            try:
                checked({"command": command, "min_iterations": 50, "max_s": 20.0}, message.value)
            except (SpoiltError, EdgekitError):
                continue
    return message


@parser
def phone_output(content: bytes) -> object:
    return parse_output(content.decode(errors="replace"))


@parser
def phone_result(content: bytes) -> object:
    return read_result(content)


@parser
def phone_look(content: bytes) -> object:
    text = content.decode(errors="replace")
    look = phone_state.sections(text)
    return phone_state.state(look), phone_state.info(look), phone_state.free(look), look_of(text, 1)


@parser
def labels(content: bytes) -> object:
    path = file_of("labels.txt", content)
    return numbers_of(path, read_rows(path))


@parser
def checkpoint(content: bytes) -> object:
    """The pickle of a checkpoint, in the archive that torch.save writes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in (("data.pkl", content), ("byteorder", b"little"), ("data/0", bytes(64)), ("version", b"3")):
            archive.writestr(f"archive/{name}", data)
    return read_checkpoint(file_of("weights.pth", stream.getvalue()))


@parser
def graph(content: bytes) -> object:
    """A frozen graph of TensorFlow."""
    return read_checkpoint(file_of("frozen.pb", content))


@parser
def arrays(content: bytes) -> object:
    """A pickle of NumPy's arrays."""
    return read_checkpoint(file_of("weights.pkl", content))


@parser
def safetensors(content: bytes) -> object:
    """The header of a safetensors file."""
    return read_checkpoint(file_of("weights.safetensors", len(content).to_bytes(8, "little") + content + bytes(64)))


def resealed(content: bytes, key: str, seal: Callable[[dict[str, Any]], str]) -> bytes:
    """The content with a seal that fits; as it is where it has none."""
    try:
        plain = json.loads(content)
        plain.pop(key)
        return json.dumps({**plain, key: seal(plain)}).encode()
    except (ValueError, RecursionError, AttributeError, TypeError, KeyError):
        return content


def seal_of(plain: dict[str, Any]) -> str:
    """The seal of a pin; any, where it is none."""
    try:
        return Baseline.from_plain({**plain, "seal": "0" * 64}).digest()
    except (ValueError, OverflowError):
        return "0" * 64


def made_seeds(name: str) -> list[bytes]:
    """Seeds that are no text, made here."""
    if name == "checkpoint":
        import torch

        stream = io.BytesIO()
        header = {"model": "mobilenet_v1_0.25", "layout": "timm", "architecture": {"width": 0.25}, "classes": ["a"]}
        torch.save({"state_dict": {"module.conv.weight": torch.zeros(2, 2)}, "edgekit": header, "epoch": 3}, stream)
        with zipfile.ZipFile(stream) as archive:
            whole = archive.read("archive/data.pkl")
        return [whole, pickle.dumps({"a": [1, "b", None, 2.5]}, protocol=2)]
    if name == "safetensors":
        tensor = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
        return [json.dumps({"conv.weight": tensor, "__metadata__": {"format": "pt"}}).encode()]
    if name == "graph":
        return [bytes.fromhex(GRAPH)]
    if name == "arrays":
        content = {
            "conv1": [np.ones((1, 1, 2, 3), np.float32), np.ones(3)],
            "fire2/squeeze1x1": [np.ones((1, 1, 3, 2))],
        }
        return [pickle.dumps(content, protocol) for protocol in (2, 4, 5)]
    if name == "onnx_file":
        return [bytes.fromhex(ONNX)]
    if name == "phone_result":
        return [bytes.fromhex(RESULT)]
    if name == "labels":
        return [b"x" * 140_000 + b",1\nb.jpg,2\n"]
    return []


def seeds(name: str) -> list[bytes]:
    """The kept corpus of a parser."""
    kept = [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]
    return kept + made_seeds(name)
