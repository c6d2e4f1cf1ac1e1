"""``--labels``: the class of each image, one a line or in lines of FILE,CLASS, as people and spreadsheets write them.

Quotes, blanks in names, a byte order mark, semicolons or tabs, a header line and ``3.0`` for 3 are all usual. Classes
are numbers, or all of them names.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..base.files import check_regular
from ..base.untrusted import read_bounded
from ..errors import UsageError, did_you_mean, shown

LARGEST_BYTES = 256 << 20
"""Of labels: ten million lines have less."""
HINT = "one class number a line in the order of the sorted images, or lines of FILE,NUMBER"
FILE = re.compile(r"\.\w{2,4}$")
NUMBER = re.compile(r"(\d{1,9})(?:[.,]0*)?")
SEPARATORS = ",;\t"


@dataclass(frozen=True)
class Row:
    """A line of the file: which image, None where the order tells it, and its class as written."""

    line: int
    image: str | None
    word: str


def read_rows(path: Path) -> list[Row]:
    """The lines of a label file.

    Raises:
        UsageError: unreadable, no labels, a line of another form than the others.
    """
    lines = [(number, line) for number, line in enumerate(text_of(path).splitlines(), 1) if line.strip(" \t,;")]
    lines = [(number, line) for number, line in lines if not line.lstrip().startswith("#")]
    if not lines:
        raise UsageError(f"{path} holds no labels", HINT)
    separator = max(SEPARATORS, key=lambda sign: sum(sign in line for _, line in lines))
    try:
        rows = [(number, cells(line, separator)) for number, line in lines]
    except csv.Error as error:  # a cell of more than 131,072 characters
        raise UsageError(f"{path} is not a table: {error}", HINT) from error
    if len(rows) > 1 and is_header(rows[0][1], rows[1][1]):
        rows = rows[1:]
    widths = {len(row) for _, row in rows}
    if widths == {1}:
        return [Row(number, None, row[0]) for number, row in rows]
    for number, row in rows:
        if len(row) != 2:
            raise UsageError(f"{path}, line {number}: {shown(' '.join(row))} is not FILE,NUMBER", HINT)
    return [Row(number, row[0], row[1]) for number, row in rows]


def text_of(path: Path) -> str:
    """The text of the file: UTF-8, or UTF-16 where it says so, as Excel writes "Unicode text".

    Raises:
        UsageError: it cannot be read.
    """
    try:
        content = read_bounded(check_regular(path), LARGEST_BYTES)
        if len(content) > LARGEST_BYTES:
            raise UsageError(f"cannot read the labels {path}: it has more than {LARGEST_BYTES >> 20} MB", HINT)
        wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return content.decode("utf-16" if wide else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the labels {path}: {error}", HINT) from error


def cells(line: str, separator: str) -> list[str]:
    """The cells of a line; where it has no separator, the last word is the class and the rest the file's name."""
    row = [cell.strip() for cell in next(csv.reader([line.strip()], delimiter=separator, skipinitialspace=True))]
    while len(row) > 1 and not row[-1]:
        row.pop()
    if len(row) == 1 and separator not in line:
        words = row[0].rsplit(None, 1)
        if len(words) == 2 and (NUMBER.fullmatch(words[1]) or FILE.search(words[0].strip('"'))):
            return [words[0].strip('"'), words[1].strip('"')]
    return row


def is_header(first: Sequence[str], second: Sequence[str]) -> bool:
    """True where the first line names columns: only from the second on it is numbers, or names of files."""
    if NUMBER.fullmatch(first[-1]):
        return False
    named = (
        len(first) == len(second) == 2
        and re.search(r"\.\w{2,4}$", second[0])
        and not re.search(r"\.\w{2,4}$", first[0])
    )
    return bool(NUMBER.fullmatch(second[-1]) or named)


def numbers_of(path: Path, rows: Sequence[Row]) -> list[int] | None:
    """The class numbers; None where not a single class is a number.

    Raises:
        UsageError: some are numbers and some are not.
    """
    found = [NUMBER.fullmatch(row.word) for row in rows]
    if not any(found):
        return None
    for row, match in zip(rows, found, strict=True):
        if match is None:
            raise UsageError(f"{path}, line {row.line}: {shown(row.word)} is not a class number", HINT)
    return [int(match[1]) for match in found if match]


def words_of(path: Path, rows: Sequence[Row], source: str, below: Sequence[str], listed: bool) -> list[Row]:
    """The row of each image, in their order.

    Args:
        path: the label file.
        rows: its lines.
        source: the images, as the user named them.
        below: their paths below the folder; or as many empty ones where they have none.
        listed: whether they have paths.

    Raises:
        UsageError: another count than there are images, or an image without a label.
    """
    if rows[0].image is None:
        if len(rows) != len(below):
            raise UsageError(f"{path} has {len(rows)} labels, and {source} {len(below)} images", HINT)
        return list(rows)
    if not listed:
        raise UsageError(f"{path} names files, and {source} has none", "give one class number a line")
    given = {plain_path(row.image or ""): row for row in rows}
    found = []
    for image in below:
        row = given.get(image) or given.get(image.rsplit("/", 1)[-1])
        if row is None:
            raise UsageError(f"{path} has no label for {image}", did_you_mean(image, given))
        found.append(row)
    return found


def plain_path(text: str) -> str:
    """A path as written on Windows or from the folder itself, as POSIX writes it."""
    return text.replace("\\", "/").removeprefix("./")
