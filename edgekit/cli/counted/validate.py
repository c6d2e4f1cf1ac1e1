"""``edgekit validate``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..shared import export_options as opt
from ..shared.complete import device_names, model_ids
from ..shared.options import JsonOption
from ..shared.torch_needed import torch_needed
from ..show.console import emit_json, say
from ..show.progress import ProgressLines

if TYPE_CHECKING:
    from ...types import Validation


def validate_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Model ids, or folders of artifacts. [default: five networks]",
            metavar="[MODEL]…",
            autocompletion=model_ids,
        ),
    ] = None,
    device: Annotated[
        str, typer.Option("--device", "-d", help="The board to measure on.", autocompletion=device_names)
    ] = "rpi4",
    format_: opt.Format = None,
    int8: opt.Int8 = False,
    out: Annotated[
        Path | None, typer.Option(help="File to write. [default: validation-<board>-<date>.json]", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a set of networks on your board and say how far counts and estimates are off there.

    Each artifact is measured on the board and counted on the simulated core of the same kind. The file holds both, with
    the kind of the board, its core and clock; no name, address or user. Contributed, it tells what estimates are worth
    on boards that we have not.

    Example: edgekit validate --device rpi4
    Example: edgekit validate mobilenet_v2 --device rpi5 --format tflite
    """
    from ...base.files import check_place, write_atomic
    from ...forms.profiles import choose_matrix
    from ...reports.counted.validation import errors_of
    from ...verbs.counted.validate import SHIPPED, validate

    profiles = choose_matrix(format_, int8=int8)
    if format_ is None:  # OpenVINO is seldom on a board
        profiles = [profile for profile in profiles if profile.format != "openvino"]
    if any(not Path(name).is_dir() for name in names or SHIPPED):
        torch_needed("validate")
    if out is not None:
        check_place(out, "--out")
    run = validate(names or SHIPPED, profiles, device, progress=ProgressLines())
    found = run.found
    path = out or Path(f"validation-{found.board}-{datetime.now(UTC):%Y%m%d}.json")
    write_atomic(path, found.model_dump_json(indent=1) + "\n")
    if as_json:
        emit_json(as_data(found, path))
    else:
        show(found)
        for group in errors_of(found):
            say(group.words)
        say(f"validation: {path}")
        say(
            "measured on an emulated board, whose latencies mean nothing: of no use to others"
            if found.emulated
            else "to contribute it, open an issue with the file"
        )
    for label, error in run.failures:
        say(f"{label}: failed: {error}" + (f"\n  {error.hint}" if error.hint else ""))
    if run.failures:
        raise typer.Exit(max(error.exit_code for _, error in run.failures))


def show(found: Validation) -> None:
    """The table and what was compared, on stderr."""
    from ...reports.counted.validation import HEADINGS, cells
    from ..show.tables import print_table

    print_table(HEADINGS, [cells(row) for row in found.rows], numbers=HEADINGS[3:6])
    say(f"{found.board}: {found.cpu}; estimated for a {found.core} at {found.clock_mhz / 1e3:g} GHz, one thread")


def as_data(found: Validation, path: Path) -> dict[str, Any]:
    """For programs: the content of the file, the errors by runtime and precision, and where the file is."""
    from ...reports.counted.validation import errors_of

    return {**found.to_plain(), "errors": [vars(group) for group in errors_of(found)], "file": str(path)}
