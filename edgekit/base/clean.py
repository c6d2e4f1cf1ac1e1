r"""Make strangers' texts safe to show: one function for each place.

Names, versions, reasons and logs come from checkpoints, reports, pins and devices. A terminal obeys escape sequences,
a pull request notifies whom a text mentions, and characters that turn the direction of writing hide what stands there.
Such characters are not dropped but shown as Python writes them (``\x1b``), so that nobody wonders about it.
"""

from __future__ import annotations

import html
import re

UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1: escape sequences among them
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # the direction of writing
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # no width
    "\u2028\u2029\ud800-\udfff\ufffe\uffff]"  # other ends of a line, and what is no character
)
COMMAND = re.compile(r"(?m)^([^\S\n]*):(?=:)|##(?=\[)")
"""Where a CI runner reads a command in a log."""
SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
"""A spreadsheet takes a cell that begins with one for a formula; the last four are those of East Asian keyboards."""
FORMULA = re.compile(rf"^(?=[\t\r\n])|(?:^|[,;\t\n])\s*(?=[{re.escape(SIGNS)}])")
"""Where a cell could begin with one, or with white space that is dropped: at a comma or a semicolon too, for which of
them separates cells is a setting of the reader's country."""
BREAK = "<!-- -->"
"""Shows nothing, and ends what GitHub, GitLab and others would make a mention, a reference or a link."""
MARKS = re.compile(
    r"[\\`*<>\[\]|~$#]"
    r"|(?<![^\W_])_|_(?![^\W_])"  # an underscore within a word is none
    r"|^[-+](?=\s)|^\+$|^-(?=-)|^=(?==|$)"  # lists and rules, at the beginning of a line
)
"""Punctuation that Markdown reads."""
LINKED = re.compile(r"@|(?<=:)(?=//)|(?i:(?<=\bwww)(?=\.)|(?<=\bgh-)(?=\d))|(?<=#)(?=\w)|!(?=\d)")


def visible(text: str) -> str:
    """``text`` with every control or invisible character written as in Python; tab and newline stay."""
    return UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The same, with every run of white space as one space."""
    return visible(" ".join(text.split()))


def for_terminal(text: str) -> str:
    """Lines on a terminal or in a log: nothing moves the cursor, and no line is a command to a CI runner."""
    return COMMAND.sub(lambda found: r"#\x23" if found[1] is None else found[1] + r"\x3a", visible(text))


def for_markdown(text: str) -> str:
    """Text within a line or a table's cell of Markdown: shown as it is, with no markup, mention, reference or link."""
    line = re.sub(r"&(?=[#\w])", "&amp;", one_line(text))
    line = re.sub(r"^(\d{1,9})([.)])(?=\s|$)", r"\1\0\2", line)  # of a numbered list
    line = MARKS.sub(r"\\\g<0>", line).replace("\0", "\\")
    return LINKED.sub(lambda found: found[0] + BREAK, line)


def for_html(text: str) -> str:
    """Text or an attribute's value of HTML and SVG."""
    return html.escape(visible(text))


def for_csv(text: str) -> str:
    """A cell of CSV, before its quotes: an apostrophe keeps it a text, and each part of it."""
    return visible(FORMULA.sub(r"\g<0>'", text))


def for_xml(text: str) -> str:
    """Text of XML 1.0, before its entities: without what XML has no way to write."""
    return visible(text)


def for_workflow(text: str, is_property: bool = False) -> str:
    """A value of a GitHub workflow command; in a property a colon and a comma would end it."""
    text = visible(text).replace("%", "%25").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if is_property else text
