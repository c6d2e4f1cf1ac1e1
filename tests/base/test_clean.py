from __future__ import annotations

import csv
import html
import io
import re
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from edgekit.base.clean import (
    BREAK,
    SIGNS,
    for_csv,
    for_html,
    for_markdown,
    for_terminal,
    for_workflow,
    for_xml,
    one_line,
    visible,
)

DANGEROUS = (
    *("\x1b", "\x1b]0;PWN\x07", "\x1b[31m", "\x9b", "\x9d", "\x00", "\x07", "\x08", "\r", "\r\n", "\n", "\t", "\x7f"),
    *("\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\u00ad", "\u3164", "\U000e0041", "\u2028", "\udc80"),
    *("@everyone", "@", "a@b.example", "https://evil.example/x", "www.evil.example", "ftp://h", "#12", "GH-3", "!4"),
    *("[a](b)", "![a](b)", "<b>", "<!--", "-->", "&lt;", "&", "`", "```", "|", "\\", "*", "**", "_", "__a__", "~~a~~"),
    *("1. ", "- ", "---", "===", "> ", "# ", "$x$", "::error::x", "##[error]", "=1+1", "+1", "-1", "%", ":", ","),
    *("<script>", '"', "'", "]]>", "\x0b", "\x0c", "a_b", "1.5"),
)
text = st.lists(st.sampled_from(DANGEROUS) | st.text(max_size=6), max_size=8).map("".join)
DIRECTIONS = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
SINKS = (visible, for_terminal, for_markdown, for_html, for_csv, for_xml, for_workflow)
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


class Page(HTMLParser):
    """The tags of a page in order, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.parts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


@pytest.mark.parametrize("sink", SINKS)
@given(text=text)
def test_nothing_that_steers_or_hides_passes(sink: Callable[[str], str], text: str) -> None:
    for character in sink(text):
        kind = unicodedata.category(character)
        assert character in "\n\t" or kind not in ("Cc", "Cs", "Zl", "Zp"), ascii(character)
        assert unicodedata.bidirectional(character) not in DIRECTIONS


def test_every_character_without_width_is_shown() -> None:
    for code in (*range(0x200B, 0x2010), 0xAD, 0x34F, 0x61C, *range(0x2060, 0x2070), 0xFEFF, 0x3164, 0xE0041, 0xFE0F):
        assert visible(f"a{chr(code)}b").isascii()


@given(text=st.text(st.characters(exclude_categories=("C", "Z", "M")), max_size=20))
def test_plain_text_stays(text: str) -> None:
    assert visible(text) == "".join(c if c not in "\u115f\u1160\u3164\uffa0" else ascii(c)[1:-1] for c in text)


@pytest.mark.parametrize("sink", [visible, for_terminal, for_xml])
@given(text=text)
def test_cleaning_twice_is_cleaning_once(sink: Callable[[str], str], text: str) -> None:
    assert sink(sink(text)) == sink(text)


@given(text=text)
def test_no_line_of_a_log_is_a_runners_command(text: str) -> None:
    for line in for_terminal(text).splitlines():
        assert not line.lstrip().startswith("::")
        assert "##[" not in line


@given(cell=text)
@example(cell="a|b")
@example(cell="\\|")
@example(cell="1. x")
def test_markdown_shows_a_text_as_it_is_in_a_cell(cell: str) -> None:
    page = Page(MARKDOWN.render(f"| a | b |\n| --- | --- |\n| {for_markdown(cell)} | end |\n"))
    assert page.tags == ["table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td"]
    assert "".join(page.parts).split() == ["a", "b", *one_line(cell).split(), "end"]


@given(line=text)
@example(line="&lt;")
@example(line="1) x")
@example(line="- - -")
@example(line="[x]: y")
def test_markdown_shows_a_text_as_it_is_in_a_line(line: str) -> None:
    assume(one_line(line) != "-")  # how edgekit writes an empty cell
    for before, tags in (("", ["p"]), ("### ", ["h3"]), ("- ", ["ul", "li"])):
        page = Page(MARKDOWN.render(f"first\n\n{before}{for_markdown(line)}\n"))
        assert [tag for tag in page.tags if tag != "p"] == [tag for tag in tags if tag != "p"]
        assert "".join(page.parts).split() == ["first", *one_line(line).split()]


@given(text=text)
def test_markdown_mentions_nobody_and_links_nowhere(text: str) -> None:
    shown = for_markdown(text)
    assert not re.search(rf"@(?!{BREAK})|://|\bwww\.|#\w|(?i:\bgh-\d)|!\d", shown)


@given(text=text)
def test_html_holds_a_text(text: str) -> None:
    page = Page(f'<p title="{for_html(text)}">{for_html(text)}</p>')
    assert page.tags == ["p"]
    assert html.unescape(for_html(text)) == visible(text)


@given(cells=st.lists(text, min_size=1, max_size=3))
@example(cells=["noisy; =cmd|' /C calc'!A0"])
@example(cells=["\uff1dcmd", "\t=1", "a\n@SUM(1)"])
def test_csv_holds_cells_that_are_no_formulas(cells: list[str]) -> None:
    stream = io.StringIO()
    csv.writer(stream).writerow([for_csv(cell) for cell in cells])
    (read,) = csv.reader(io.StringIO(stream.getvalue(), newline=""))
    assert [cell.replace("'", "") for cell in read] == [visible(cell).replace("'", "") for cell in cells]
    assert not any(cell.startswith(("\t", "\r", "\n")) for cell in read)
    parts = [part.lstrip() for cell in read for part in re.split("[,;\t\n]", cell)]
    assert not any(part.startswith(tuple(SIGNS)) for part in parts)


@given(text=text)
def test_xml_can_be_read(text: str) -> None:
    element = ET.Element("a", b=for_xml(text))
    element.text = for_xml(text)
    read = ET.fromstring(ET.tostring(element, encoding="unicode"))
    assert (read.text or "") == for_xml(text)


@given(title=text, message=text)
def test_a_workflow_command_is_one_line_with_its_parts(title: str, message: str) -> None:
    line = f"::error title={for_workflow(title, is_property=True)}::{for_workflow(message)}"
    assert "\n" not in line
    head, _, body = line[2:].partition("::")
    assert head.count(",") == 0
    assert body == for_workflow(message)
