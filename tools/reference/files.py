"""The pages of the TOML files that people write: model card, export profile, devices.toml, gate.toml."""

from __future__ import annotations

from edgekit.catalog import MODELS, PROFILES, Kind, builtin_folder
from edgekit.gate.config import Entry, GateConfig
from edgekit.types import (
    Device,
    ExportProfile,
    ModelCard,
    ParityTolerance,
    Preprocessing,
    Published,
    Quantization,
    Weights,
)

from .fields import fields_table
from .text import page, summary

UNKNOWN = "An unknown key is an error that names the nearest known one."


def section(type_: type, title: str = "") -> str:
    """Heading, summary and fields of a type."""
    return f"## {title or type_.__name__}\n\n{summary(type_)}\n\n{fields_table(type_)}"


def example(kind: Kind, name: str) -> str:
    """A file that edgekit ships, in full."""
    text = (builtin_folder(kind) / f"{name}.toml").read_text(encoding="utf-8")
    return f"## Example: `{kind}/{name}.toml`\n\n```toml\n{text}```"


def model_page() -> str:
    """docs/reference/model-card.md."""
    return page(
        "Model card",
        f"""A model card is a TOML file that describes one network variant. edgekit looks for a card in
`./models`, then in `~/.config/edgekit/models`, then among its own; the first card of a name wins.
`edgekit models show PATH.toml` reads a card from anywhere. The file name is the card's `id`.
{UNKNOWN}""",
        section(ModelCard),
        section(Preprocessing),
        section(Published),
        section(Weights),
        example(MODELS, "mobilenet_v3_large_1.0"),
    )


def profile_page() -> str:
    """docs/reference/export-profile.md."""
    return page(
        "Export profile",
        f"""An export profile is a TOML file that describes one way to make an artifact. edgekit looks for a
profile in `./export_profiles`, then in `~/.config/edgekit/export_profiles`, then among its own; the
first profile of a name wins. `edgekit export MODEL --profile NAME` or `--profile PATH.toml` uses
it. The file name is the profile's `name`, and a name that edgekit ships stands for the same format
and precision everywhere. {UNKNOWN}""",
        section(ExportProfile),
        section(Quantization),
        section(ParityTolerance),
        example(PROFILES, "tflite-int8"),
    )


def device_page() -> str:
    """docs/reference/devices-toml.md."""
    return page(
        "devices.toml",
        f"""One table for each device, in `./devices.toml`, then in `~/.config/edgekit/devices.toml`. The name
in brackets is the device's id, which `--device` takes. `edgekit devices add` writes the entry for
you. {UNKNOWN}""",
        """```toml
[rpi4]
transport = "ssh"            # the default
address = "192.168.1.20"     # or a Host alias of your SSH config
user = "pi"
python = "/home/pi/edgekit/bin/python"
board = "rpi4"
tags = ["lab"]
```""",
        f"## Keys\n\n{fields_table(Device, leave_out=('id',))}",
    )


def gate_page() -> str:
    """docs/reference/gate-toml.md."""
    return page(
        "gate.toml",
        f"""Tolerances of `edgekit gate`, by device and model. The gate reads `./gate.toml`, or the file that
`--config` names. The most special table wins, key by key: a model on a device, a device, a model,
the default. Options of the command line win over all of them. [The gate's
rule](../explanation/gate.md) says what the figures mean. {UNKNOWN}""",
        """```toml
[default]
tolerance = 0.01                              # up to 1 % slower is accepted
delta = 0.03                                  # 3 % slower has to be found
[models."mobilenet_v3_large_1.0"]
tolerance = 0.02
[devices.rpi4]
min_s = 2.0                                   # measure each side for at least this long
[devices.rpi4.models."mobilenet_v3_large_1.0"]
tolerance = 0.03
```""",
        f"## Tables\n\n{fields_table(GateConfig)}",
        section(Entry),
        "## DeviceEntry\n\nThe keys of [Entry](#entry), and tables of them by model under `models`.",
    )
