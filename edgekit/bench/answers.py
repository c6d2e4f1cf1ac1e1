"""The reader's side of the agent's protocol: lines of JSON, first events, then the answer. A line that does not fit is
an error that names the place: too deep, too long, not a number, an unknown field, contradictory counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from ..base.clean import UNSAFE
from ..errors import ToolError, shown
from ..types.answers import ANSWERS, BenchAnswer, Event, Refusal, Turn
from ..types.base import Frozen

SAME_VERSION = "the agent on the device and this edgekit must be of one version; if they are, do not trust the device"
MOST_EVENTS = 1000
DEEPEST = 16
"""Levels of lists and objects in a message; the agent's own have seven."""
MOST_BRACKETS = 1_000_000
"""Most brackets in one message: each becomes an object in memory, and a line could hold millions."""
LONGEST_TEXT, MOST_FIELDS = 10_000, 5_000
"""Most characters of a text, and most fields of an object, such as the clocks of the CPUs."""
PROBLEMS = {"missing": "it is missing", "extra_forbidden": "no such field is known"}
"""Pydantic's words for wrong fields, in plain words."""
TIME_USED = 0.1
"""With fewer samples than asked for, at least this share of the time for samples must have passed."""

Message = TypeVar("Message", bound=Frozen)


class SpoiltError(ValueError):
    """A device did not speak the agent's protocol; the message says how, in words that follow "the agent"."""


class AnswerError(ToolError):
    """A device answered, but its answer cannot be an agent's."""


@dataclass(frozen=True)
class Value:
    """The answer of an agent that did what was asked; the value is not checked yet, see :func:`checked`."""

    value: dict[str, Any]


def parse(line: bytes) -> Value | Refusal | Turn | Event:
    """A message.

    Raises:
        SpoiltError: it is none.
    """
    message = loaded(line)
    if message.get("ok") is True:
        if message.keys() != {"ok", "value"} or not isinstance(message["value"], dict):
            raise outside(line)
        return Value(message["value"])
    kind = Refusal if message.get("ok") is False else Turn if message.get("event") == "turn" else Event
    try:
        return kind.from_plain(message)
    except ValidationError:
        raise outside(line) from None


def loaded(line: bytes) -> dict[str, Any]:
    """A line as a JSON object; it must be neither deep nor vast, and hold no control characters.

    Raises:
        SpoiltError: it is something else.
    """
    if line.count(b"[") + line.count(b"{") > MOST_BRACKETS:
        raise SpoiltError(f"answered with more than {MOST_BRACKETS} lists and objects")
    try:
        message = json.loads(line, parse_constant=no_number)
    except SpoiltError:
        raise
    except RecursionError:
        raise SpoiltError(f"answered with lists in lists, more than {DEEPEST} levels deep") from None
    except ValueError as error:
        if "integer string conversion" in str(error):
            raise SpoiltError("answered with a number of thousands of digits") from None
        raise outside(line) from None
    if not isinstance(message, dict):
        raise outside(line)
    # A failure's message is prose, which is made harmless.
    look_through(message, texts=message.get("ok") is not False)
    return message


def no_number(name: str) -> float:
    """Refuse NaN and infinities, which are not JSON."""
    raise SpoiltError(f"answered with {name} where a number should be")


HARMLESS = frozenset({int, float, bool, type(None)})
"""What of JSON neither holds anything nor is a text."""


def look_through(message: dict[str, Any], texts: bool) -> None:
    """Make sure that ``message`` is neither deep nor wide; with ``texts``, that none is long or steers a terminal.

    Raises:
        SpoiltError: something is.
    """
    level: list[tuple[str, Any]] = [("", message)]
    for _ in range(DEEPEST):
        below: list[tuple[str, Any]] = []
        for path, holder in level:
            if isinstance(holder, dict) and len(holder) > MOST_FIELDS:
                raise SpoiltError(f"answered with {len(holder)} fields in {place(path)}")
            if isinstance(holder, list) and HARMLESS.issuperset(map(type, holder)):  # a quick look at many samples
                continue
            for key, item in items_of(holder):
                if isinstance(item, dict | list):
                    below.append((f"{path}.{key}", item))
                elif texts and isinstance(item, str) and len(item) > LONGEST_TEXT:
                    raise SpoiltError(f"answered with a text of {len(item)} characters in {place(f'{path}.{key}')}")
                elif texts and isinstance(item, str) and UNSAFE.search(item):
                    where = place(f"{path}.{key}")
                    raise SpoiltError(f"answered with control characters in {where}: {shown(item)}")
        if not below:
            return
        level = below
    raise SpoiltError(f"answered with lists in lists, more than {DEEPEST} levels deep")


def place(path: str) -> str:
    """Where in a message, for errors."""
    return shown(path.removeprefix(".value").removeprefix(".") or "the whole answer")


def items_of(holder: dict[str, Any] | list[Any]) -> Iterator[tuple[str | int, Any]]:
    """The items of an object or a list; keys count as texts too."""
    if isinstance(holder, list):
        yield from enumerate(holder)
    else:
        for key, item in holder.items():
            yield "a key", key
            yield key, item


def outside(line: bytes) -> SpoiltError:
    """The error of a line that is no message."""
    text = line[:200].decode(errors="replace").rstrip("\r\n")
    return SpoiltError(f"printed {shown(text)}, which is not its protocol")


class Conversation:
    """Takes the lines of one launch: events, then one answer, after which nothing may follow.

    Attributes:
        answer: None until it has come.
    """

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        self.on_event = on_event
        self.answer: Value | Refusal | None = None
        self.events = 0

    def take(self, line: bytes) -> None:
        """One line.

        Raises:
            SpoiltError: it is no message, one too many, or comes after the answer.
        """
        if self.answer is not None:
            raise SpoiltError("answered twice, or went on after its answer")
        message = parse(line)
        if isinstance(message, Value | Refusal):
            self.answer = message
        elif isinstance(message, Turn):
            raise SpoiltError("reported a turn that nobody asked for")
        else:
            self.events += 1
            if self.events > MOST_EVENTS:
                raise SpoiltError(f"reported more than {MOST_EVENTS} steps, and did not come to an end")
            self.on_event(message)


def checked(request: Mapping[str, Any], value: dict[str, Any]) -> Frozen:
    """``value`` as the answer to ``request``, of the type that ``ANSWERS`` names.

    Raises:
        SpoiltError: it is not; the message names the field.
    """
    kind = ANSWERS[str(request["command"])]
    try:
        answer = kind.from_plain(value)
    except ValidationError as error:
        raise SpoiltError(f"answered what does not fit this edgekit: {first_problem(error)}") from None
    if isinstance(answer, BenchAnswer):
        enough_samples(request, answer)
        cores = request.get("cores")
        if cores is not None and (not answer.affinity or (isinstance(cores, list) and [*answer.affinity] != cores)):
            raise SpoiltError(f"was to be kept on the cores {cores}, and answered that it ran on {answer.affinity}")
    return answer


def first_problem(error: ValidationError) -> str:
    """The first of the fields that are wrong, with the value seen."""
    problems = error.errors(include_url=False)
    first = problems[0]
    where = ".".join(str(part) for part in first["loc"]) or "the whole answer"
    said = PROBLEMS.get(first["type"], first["msg"][:1].lower() + first["msg"][1:])
    seen = "" if first["type"] == "missing" else f", got {shown(first['input'])}"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{shown(where)[1:-1]}: {said}{seen}{more}"


def enough_samples(request: Mapping[str, Any], answer: BenchAnswer) -> None:
    """Make sure that there are as many samples as asked for, unless their time was over.

    Raises:
        SpoiltError: there are fewer.
    """
    least, count = int(request.get("min_iterations", 1)), len(answer.samples_ns)
    if request["command"] != "bench" or count >= least:
        return
    spent_s = answer.spent_s or sum(answer.samples_ns) / 1e9
    if spent_s < TIME_USED * float(request["max_s"]):
        number = f"{count} sample{'' if count == 1 else 's'} of {spent_s:.3g} s together"
        raise SpoiltError(
            f"answered with {number}, where {least} were asked for and {request['max_s']:g} s were not over"
        )
