"""``edgekit tune`` of a user's own network: its forms measured, and int8 against float32."""

from __future__ import annotations

from collections.abc import Sequence

from ..artifacts.own.network import OwnOptions
from ..artifacts.store import artifact_folder
from ..artifacts.tasks import Outcome
from ..base.owned import check_replaceable
from ..base.progress import JobEnded, Progress
from ..forms.own import own_form, own_forms
from ..tuning.choose import Wishes, choose
from ..tuning.own import OwnTuned
from ..tuning.place import Place, on_target
from ..types import ExportProfile
from .export_own import opened


def tune_own(
    name: str,
    profiles: Sequence[ExportProfile],
    options: OwnOptions,
    words: Sequence[str],
    place: Place,
    wishes: Wishes,
    progress: Progress,
) -> list[Outcome]:
    """Measure the forms of a network on ``place`` and make the fastest with every profile.

    Args:
        name: of the code or file, as :func:`~edgekit.verbs.export_own.export_own` has it.
        profiles: the ways to make an artifact.
        options: weights, inputs, where to.
        words: of the command line; the manifests repeat them.
        place: where to measure.
        wishes: what to decide.
        progress: receives an event as each step begins and ends.

    Raises:
        UsageError: the code fails, the weights or inputs do not fit, the network cannot be traced, a target is not the
            device's, or somebody else's folder is where an artifact is to be.
        ToolError: PyTorch is not installed, or ``options.out`` cannot be written.
    """
    bases = [own_form(on_target(profile, place)) for profile in profiles]
    needed = [*bases, *(OwnTuned.in_float(base) for base in bases)]
    if wishes.forms:
        needed += [form for base in bases for form in own_forms(base, place.target).values()]
    outcomes: list[Outcome] = []
    with opened(name, needed, options, words, progress) as network:
        for base in bases:
            check_replaceable(artifact_folder(options.out, network.name, base.name))
        for base in bases:
            outcomes.append(choose(OwnTuned(network), base, place, wishes, progress))
            progress(JobEnded(outcomes[-1].status, (f"{network.name} {base.name}",), len(outcomes), len(bases)))
    return outcomes
