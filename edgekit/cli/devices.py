"""``edgekit devices list | add | remove | prepare | check``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .shared.complete import device_names
from .shared.grouped import GroupedCommand
from .shared.limits import LARGEST_PORT
from .shared.options import JsonOption
from .show.console import emit_json, say
from .show.progress import ProgressLines

if TYPE_CHECKING:
    from ..verbs.devices import Check, Listed

devices_app = typer.Typer(no_args_is_help=True, help="The devices that edgekit measures on.")

NameArgument = Annotated[str, typer.Argument(help="Name of the device.")]
KnownArgument = Annotated[str, typer.Argument(help="Name of the device.", autocompletion=device_names)]
STYLE = {"ok": "green", "warning": "yellow", "failed": "bold red"}


@devices_app.command("list", cls=GroupedCommand)
def list_command(as_json: JsonOption = False) -> None:
    """List every name that --device takes: built in, from devices.toml, from the SSH config."""
    from ..verbs.devices import list_devices

    listed = list_devices()
    if as_json:
        emit_json(
            [
                {**one.device.to_plain(), "source": one.source, "quarantine": kept.words if kept else None}
                for one, kept in ((one, one.quarantine) for one in listed)
            ]
        )
    else:
        show_list(listed)


@devices_app.command("add", cls=GroupedCommand)
def add_command(
    name: NameArgument,
    address: Annotated[
        str | None,
        typer.Argument(
            help="[USER@]HOST, a Host alias of the SSH config, adb:SERIAL, or local. A labgrid place can give it."
        ),
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=LARGEST_PORT, help="Port of its SSH server.")] = None,
    python: Annotated[str | None, typer.Option(help="Python interpreter on the device that has the runtimes.")] = None,
    benchmark_model: Annotated[
        str | None,
        typer.Option(help="For a phone without Python: TFLite's native benchmark_model, a local file or a URL."),
    ] = None,
    sha256: Annotated[str | None, typer.Option(help="SHA-256 of the benchmark_model behind a URL.")] = None,
    board: Annotated[str | None, typer.Option(help="Kind of board: rpi4, n100, ...")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Tag to choose devices by; may be repeated.")] = None,
    labgrid: Annotated[str | None, typer.Option(help="Place of a labgrid coordinator; acquired for each run.")] = None,
    coordinator: Annotated[
        str | None, typer.Option(help="HOST:PORT of the coordinator. [default: LG_COORDINATOR]")
    ] = None,
    wait: Annotated[str | None, typer.Option(help="How long to wait for a place that others hold: 90s, 10m.")] = None,
    for_user: Annotated[
        bool, typer.Option("--user", help="Store the device for all your projects, not only for this one.")
    ] = False,
) -> None:
    """Describe a device behind SSH, or a phone behind adb, in devices.toml.

    adb devices lists the serial of a phone; a phone in the network is adb:HOST:PORT. With --python, local is this
    machine with another interpreter, for runtimes that cannot be installed beside edgekit's own.

    Examples: edgekit devices add rpi4 pi@192.168.1.20 --board rpi4; edgekit devices add pixel adb:28241FDH2001AB;
    edgekit devices add webgpu local --python ~/webgpu/bin/python
    """
    from ..verbs.devices import add_device
    from .profile import seconds

    by_url = benchmark_model is not None and "://" in benchmark_model
    more = {
        "port": port,
        "python": python,
        "benchmark_model": None if by_url else benchmark_model,
        "benchmark_model_url": benchmark_model if by_url else None,
        "benchmark_model_sha256": sha256,
        "board": board,
        "tags": tag,
        "labgrid": labgrid,
        "coordinator": coordinator,
        "wait_s": None if wait is None else seconds(wait, "--wait"),
    }
    path = add_device(name, address, for_user, **more)
    say(f"added {name} to {path}; next: edgekit devices check {name}")


@devices_app.command("remove", cls=GroupedCommand)
def remove_command(name: KnownArgument) -> None:
    """Remove a device from devices.toml."""
    from ..verbs.devices import remove_device

    say(f"removed {name} from {remove_device(name)}")


@devices_app.command("prepare", cls=GroupedCommand)
def prepare_command(
    name: KnownArgument,
    runtime: Annotated[
        list[str] | None, typer.Option(help="Only onnxruntime, litert or openvino; may be repeated.")
    ] = None,
) -> None:
    """Install the runtimes on a device behind SSH, or build the system of an emulated board.

    The wheels are downloaded on this machine, so the device needs no internet. They are installed there into a virtual
    environment, whose interpreter devices.toml then names.

    Example: edgekit devices prepare rpi4
    """
    from ..devices.reach import what_is_built_first
    from ..verbs.prepare_device import prepare_device

    building = what_is_built_first(name)
    if building:
        say(building)
    say(prepare_device(name, ProgressLines(), runtime or ()))


@devices_app.command("check", cls=GroupedCommand)
def check_command(name: KnownArgument, as_json: JsonOption = False) -> None:
    """Prove that edgekit can measure on a device: network, login, Python, runtimes, sensors, free space, clock.

    The exit code is 3 when a step fails; a missing part that is not needed is a warning. A sick device (hot, throttled,
    a full disk, an agent that crashes or answers nonsense) is quarantined: profile, gate, compare and tune refuse it
    without
    --force until a check passes.
    """
    from ..devices.reach import what_is_built_first
    from ..verbs.devices import check_device, raise_failures

    building = what_is_built_first(name)
    if building:
        say(building)
    done = check_device(name, ProgressLines())
    if as_json:
        emit_json([vars(check) for check in done.checks])
    else:
        show_checks(done.checks)
    if done.lifted is not None:
        say(f"{name} is no longer quarantined; it was {done.lifted.words}")
    raise_failures(name, done)


def show_list(listed: list[Listed]) -> None:
    """One device a line, on stdout."""
    from rich.table import Table

    from ..devices.boards import boards
    from .show.screen import on_stdout

    table = Table(header_style="bold", box=None, pad_edge=False)
    for heading in ("device", "transport", "address", "board", "tags", "from", "state"):
        table.add_column(heading, overflow="fold")
    for one in listed:
        device = one.device
        address = f"{device.user}@{device.address}" if device.user else device.address or ""
        if device.labgrid is not None:
            address = f"{address} (labgrid {device.labgrid})".lstrip()
        state = f"quarantined {one.quarantine.words}" if one.quarantine else ""
        title = boards()[device.board].title if device.board else ""
        table.add_row(device.id, device.transport, address, title, " ".join(device.tags), one.source, state)
    on_stdout(width=None).print(table)


def show_checks(checks: list[Check]) -> None:
    """One step a line, with its remedy, on stderr."""
    from rich.table import Table
    from rich.text import Text

    from .show.screen import on_stderr

    table = Table(header_style="bold", box=None, pad_edge=False)
    for heading in ("step", "status", "finding"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        detail = f"{check.detail}\ntry: {check.remedy}" if check.remedy else check.detail
        table.add_row(Text(check.name), Text(check.status, style=STYLE[check.status]), Text(detail))
    on_stderr(width=None).print(table)
