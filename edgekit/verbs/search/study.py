"""The study of a search, by Optuna: which network to try next, and a journal from which a killed search goes on.

The journal is one file to which lines are appended under a lock, so that several processes may search together. Several
networks may be open, that is, asked for and not told. Optuna's estimator supposes that an open one turns out badly (its
constant liar), so that the next one is looked for elsewhere. One whose process is gone is tried again first, under its
own number.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...base.distribution import install_command
from ...base.files import check_writable, writing
from ...base.inside import inside
from ...base.locks import claimed, lock_of, owned
from ...errors import ToolError, UsageError
from ...select.space import Choice, Space
from ...types.networks.searches import SearchSettings, Tried
from .journal import JOURNAL, Lock, check_journal, damage_named, drop_cut_line

if TYPE_CHECKING:
    from optuna.study import Study as OptunaStudy
    from optuna.trial import FrozenTrial, Trial

SETTINGS, TRIED, SEARCHER = "settings", "tried", "searcher"
SEARCHERS, ASKING = "searchers", "asking.lock"
"""The folder of those who search, with a lock file each, and the lock of whoever asks for a network."""
DIGESTS = ("data_sha256", "arithmetic")
TOKEN = re.compile(r"[0-9a-f]{16}")
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
    """A search that is kept in a folder.

    Attributes:
        searcher: our own name among those who search in the folder.
    """

    kept: OptunaStudy
    space: Space
    folder: Path
    searcher: str

    def ask(self, most: int) -> Asked | None:
        """The next network: one that a process left open when it ended, or a new one; None when there are enough.

        Args:
            most: networks in all, those among them that others have open.

        Raises:
            OSError: the journal cannot be written.
        """
        from optuna.trial import Trial

        with Lock(self.folder, ASKING):
            trials = self.kept.get_trials(deepcopy=False)
            left = next((one for one in trials if self.is_left(one)), None)
            if left is None and len(trials) - waiting(trials) >= most:
                return None
            # Optuna has no public way to go on with an open trial.
            trial = self.kept.ask() if left is None else Trial(self.kept, left._trial_id)  # noqa: SLF001
            trial.set_user_attr(SEARCHER, self.searcher)
            values = {name: trial.suggest_categorical(name, choices) for name, choices in self.space.choices.items()}
        return Asked(trial, trial.number, values)

    def is_left(self, trial: FrozenTrial) -> bool:
        """Whether a network is open and nobody tries it any more."""
        if trial.state.is_finished() or trial.state.name == "WAITING":
            return False
        searcher = trial.user_attrs.get(SEARCHER)
        return searcher != self.searcher and not searches(self.folder, searcher)

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


def waiting(trials: list[FrozenTrial]) -> int:
    """How many are in the queue, which nobody has asked for yet."""
    return sum(trial.state.name == "WAITING" for trial in trials)


def searches(folder: Path, searcher: object) -> bool:
    """Whether one who searches in ``folder`` may still be at it, by the name that the journal has."""
    if not isinstance(searcher, str) or not TOKEN.fullmatch(searcher):
        return False  # a process that was killed before it could write its name, or an edgekit that wrote none
    place = inside(folder, SEARCHERS, searcher, field="a searcher in the journal")
    if not lock_of(place).exists():
        return False  # it has ended, and not by a signal that cannot be caught
    with claimed(place) as gone:
        return not gone


def others_search(folder: Path, searcher: str) -> bool:
    """Whether another process than the named one searches in ``folder`` at this moment."""
    there = folder.joinpath(SEARCHERS).glob("*.lock")
    return any(searches(folder, one.stem) for one in there if one.stem != searcher)


@contextmanager
def searching(folder: Path) -> Iterator[str]:
    """A block in which we are known as one who searches in ``folder``; our name there.

    Raises:
        ToolError: the folder cannot be written.
    """
    place = inside(folder, SEARCHERS, secrets.token_hex(8), field="our own name")
    with writing(place):
        place.parent.mkdir(parents=True, exist_ok=True)
    with owned(place):
        yield place.name


def tried_of(kept: OptunaStudy) -> list[Tried]:
    """What became of every network, in order; what is open is not among it."""
    trials = kept.get_trials(deepcopy=False)
    told = [trial.user_attrs.get(TRIED) for trial in trials if trial.state.is_finished()]
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


def begin_study(folder: Path, space: Space, settings: SearchSettings, searcher: str) -> Study:
    """The study in ``folder``, begun there or gone on with, by a searcher whose name :func:`searching` gave.

    Raises:
        UsageError: another search is there, or its journal is damaged.
        ToolError: Optuna is not installed.
    """
    before = kept_settings(folder)
    if before is not None and before != settings:
        now, then = settings.to_plain(), before.to_plain()
        # An option explains another digest of the images; the other way round it says nothing.
        other = next(name for name in sorted(then, key=DIGESTS.__contains__) if then[name] != now[name])
        if other == "arithmetic":
            raise UsageError(
                f"the networks in {folder} were trained by {then[other] or 'an earlier edgekit'}, here it is "
                f"{now[other]}: their proxy accuracies would not compare",
                "go on with the PyTorch and the kind of CPU that it began with, or begin another search with --out",
            )
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
    return Study(kept, space, folder, searcher)


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
        begun.sampler = optuna.samplers.TPESampler(
            seed=drawn % 2**32, n_startup_trials=RANDOM_FIRST, constant_liar=True
        )
    return begun
