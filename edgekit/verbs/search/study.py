"""The study of a search, by Optuna: which network to try next, and a journal from which a killed search goes on.

The journal is one file to which lines are appended under a lock, so that several processes may search together.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...base.distribution import install_command
from ...base.files import check_writable
from ...errors import ToolError, UsageError
from ...select.space import Choice, Space
from ...types.networks.searches import SearchSettings, Tried
from .journal import JOURNAL, Lock, check_journal, damage_named, drop_cut_line

if TYPE_CHECKING:
    from optuna.study import Study as OptunaStudy
    from optuna.trial import Trial

SETTINGS, TRIED = "settings", "tried"
RANDOM_FIRST = 8
"""Networks drawn at random before the search learns from what it has seen."""


@dataclass(frozen=True)
class Asked:
    """A network to try."""

    trial: Trial
    number: int
    values: dict[str, Choice]


@dataclass(frozen=True)
class Study:
    """A search that is kept in a folder."""

    kept: OptunaStudy
    space: Space

    def ask(self) -> Asked:
        """The next network."""
        trial = self.kept.ask()
        values = {name: trial.suggest_categorical(name, choices) for name, choices in self.space.choices.items()}
        return Asked(trial, trial.number, values)

    def tell(self, asked: Asked, tried: Tried) -> None:
        """What became of it; a failed one teaches the search nothing."""
        from optuna.trial import TrialState

        asked.trial.set_user_attr(TRIED, tried.to_plain())
        if tried.state == "failed":
            self.kept.tell(asked.trial, state=TrialState.FAIL)
        else:
            self.kept.tell(asked.trial, tried.reward)

    @property
    def tried(self) -> list[Tried]:
        """Everything so far, in order."""
        return tried_of(self.kept)


def tried_of(kept: OptunaStudy) -> list[Tried]:
    """What became of every network, in order; what a killed process had begun is not among it."""
    told = [trial.user_attrs.get(TRIED) for trial in kept.get_trials(deepcopy=False)]
    return [Tried.from_plain(one) for one in told if one is not None]


def tried_in(folder: Path) -> list[Tried]:
    """What became of every network of the search in ``folder``; nothing where there is none.

    Raises:
        UsageError: its journal is damaged.
        ToolError: Optuna is not installed.
    """
    if not os.path.lexists(folder / JOURNAL):
        return []
    with damage_named(folder):
        return tried_of(opened(folder, None))


def kept_settings(folder: Path) -> SearchSettings | None:
    """The settings of the search that ``folder`` holds; None when it holds none.

    Raises:
        UsageError: its journal is damaged.
        ToolError: Optuna is not installed.
    """
    if not os.path.lexists(folder / JOURNAL):
        return None
    with damage_named(folder):
        told: dict[str, Any] | None = opened(folder, None).user_attrs.get(SETTINGS)
        return None if told is None else SearchSettings.from_plain(told)


def begin_study(folder: Path, space: Space, settings: SearchSettings) -> Study:
    """The study in ``folder``, begun there or gone on with.

    Raises:
        UsageError: another search is there, or its journal is damaged.
        ToolError: Optuna is not installed.
    """
    before = kept_settings(folder)
    if before is not None and before != settings:
        now, then = settings.to_plain(), before.to_plain()
        other = next(name for name in then if then[name] != now[name])
        raise UsageError(
            f"{folder} holds a search with {other} {then[other]}, not {now[other]}",
            "give the same options to go on with it, or another folder with --out",
        )
    check_writable(folder, "--out")
    folder.mkdir(parents=True, exist_ok=True)
    with damage_named(folder):
        kept = opened(folder, settings.seed)
    if before is None:
        kept.set_user_attr(SETTINGS, settings.to_plain())
        kept.enqueue_trial(space.reference)
    return Study(kept, space)


def opened(folder: Path, seed: int | None) -> OptunaStudy:
    """Optuna's study of the journal in a folder.

    Raises:
        UsageError: something else is in the journal's place.
        ToolError: Optuna is not installed.
        ValueError, LookupError, …: it is damaged; see :func:`damage_named`.
    """
    check_journal(folder)
    try:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend
    except ImportError as error:
        raise ToolError(
            f"a search needs Optuna, which cannot be imported: {error}", install_command("search")
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    lock = Lock(folder)
    lock.acquire()
    try:
        drop_cut_line(folder)
    finally:
        lock.release()
    storage = JournalStorage(JournalFileBackend(str(folder / JOURNAL), lock))
    begun = optuna.create_study(storage=storage, study_name="search", direction="maximize", load_if_exists=True)
    if seed is not None:  # one that goes on must not draw again what it drew at first
        drawn = seed + 1_000_003 * len(begun.get_trials(deepcopy=False))
        begun.sampler = optuna.samplers.TPESampler(seed=drawn % 2**32, n_startup_trials=RANDOM_FIRST)
    return begun
