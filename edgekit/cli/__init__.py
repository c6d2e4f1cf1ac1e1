"""The command line: parse, call a verb, print. Nothing else in edgekit prints or exits.

Commands import their verb when they run, so that ``edgekit --help`` answers at once.
"""

from __future__ import annotations

from typing import Annotated

import typer

from .choice.audit_run import audit_run_command
from .compare import compare_command
from .condense import condense_command
from .counted.estimate import estimate_command
from .counted.validate import validate_command
from .devices import devices_app
from .doctor import doctor_command
from .evaluate import evaluate_command
from .export import export_command
from .gate import gate_command
from .inspect import inspect_command
from .matrix import matrix_command
from .models import models_app
from .networks.lint import lint_command
from .networks.search import search_command
from .profile import profile_command
from .schema import schema_command
from .shared.grouped import GroupedCommand
from .shared.other_words import WordyGroup
from .show.console import debugging, error_boundary, tell
from .stored.history import history_command
from .stored.index import index_command
from .stored.pick import pick_command
from .stored.report import report_command
from .train import train_command
from .tune import tune_command
from .verify import verify_command

app = typer.Typer(
    name="edgekit",
    cls=WordyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # loading rich would double the time of --help
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(models_app, name="models")
app.add_typer(devices_app, name="devices")
app.command("export", cls=GroupedCommand)(export_command)
app.command("tune", cls=GroupedCommand)(tune_command)
app.command("evaluate", cls=GroupedCommand)(evaluate_command)
app.command("train", cls=GroupedCommand)(train_command)
app.command("condense", cls=GroupedCommand)(condense_command)
app.command("inspect", cls=GroupedCommand)(inspect_command)
app.command("verify", cls=GroupedCommand)(verify_command)
app.command("lint", cls=GroupedCommand)(lint_command)
app.command("search", cls=GroupedCommand)(search_command)
app.command("matrix", cls=GroupedCommand)(matrix_command)
app.command("profile", cls=GroupedCommand)(profile_command)
app.command("estimate", cls=GroupedCommand)(estimate_command)
app.command("validate", cls=GroupedCommand)(validate_command)
app.command("compare", cls=GroupedCommand)(compare_command)
app.command("gate", cls=GroupedCommand)(gate_command)
app.command("audit-run", cls=GroupedCommand)(audit_run_command)
app.command("report", cls=GroupedCommand)(report_command)
app.command("history", cls=GroupedCommand)(history_command)
app.command("pick", cls=GroupedCommand)(pick_command)
app.command("index", cls=GroupedCommand)(index_command)
app.command("schema", cls=GroupedCommand)(schema_command)
app.command("doctor", cls=GroupedCommand)(doctor_command)


def show_version(wanted: bool) -> None:
    """Print the version and leave, when asked to."""
    if wanted:
        from .. import __version__

        tell(f"edgekit {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Lightweight networks to verified, measured artifacts for small devices.

    Exit codes: 0 done, 1 verification failed or latency regressed, 2 usage or configuration, 3 device or tool failure,
    4 inconclusive, 5 not comparable.
    """


def main() -> None:
    """The ``edgekit`` program."""
    from ..base.scratch import sweep_scratch

    with error_boundary(debug=debugging()):
        sweep_scratch()
        app(prog_name="edgekit")  # also for python -m edgekit: completion is registered under it
