from __future__ import annotations

from html.parser import HTMLParser

from edgekit.reports.search_page import search_page
from edgekit.types.networks.searches import SearchSettings, Tried

SETTINGS = SearchSettings(
    reference="mnasnet_small", space="blocks", data="<fashion>", data_sha256="0" * 64, device="sim-rpi4",
    profile="tflite-fp32", threads=1, target=1.0, limit="hard", images=100, judge=50, epochs=1, batch=8, lr=0.1, seed=0,
)  # fmt: skip


def tried(number: int, cost_ms: float, right: int) -> Tried:
    return Tried(
        number=number, card=f"mnasnet_s{number:03d}.toml", state="trained", params=10, macs=20, cost_ms=cost_ms,
        cost_kind="counted", right=right, images=50, reward=2.0 * right,
    )  # fmt: skip


class Balanced(HTMLParser):
    """Fails on a tag that is closed and was not opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_says_what_was_found_and_what_it_is_not() -> None:
    slow = Tried(number=3, card="mnasnet_s003.toml", state="too slow", cost_ms=9.0, cost_kind="counted")
    broken = Tried(number=4, card="mnasnet_s004.toml", state="failed", error="no <such> operator")
    page = search_page(SETTINGS, [tried(0, 1.0, 20), tried(1, 0.9, 30), tried(2, 2.0, 40), slow, broken])
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert "The best so far is network 2 (mnasnet_s002.toml)" in page
    assert "5 networks tried: 3 trained, 1 too slow, 1 failed" in page
    assert "no clock has measured them" in page
    assert "a proxy to rank networks by" in page
    assert "&lt;fashion&gt;" in page
    assert "no &lt;such&gt; operator" in page
    assert page.count("<circle") == 3
    front = page[page.index("The front") : page.index("Everything")]
    assert "mnasnet_s001" in front
    assert "mnasnet_s000" not in front


def test_what_is_no_better_than_guessing_is_said_first() -> None:
    found = [tried(0, 1.0, 6), tried(1, 0.9, 9)]
    page = search_page(SETTINGS, found, 0.15)
    assert page.index("what was found is chance") < page.index("The best so far is network 1")
    assert "mnasnet_small itself: 1.00 ms, 12.0 % right." in page
    assert "is chance" not in search_page(SETTINGS, [tried(0, 1.0, 40)], 0.15)


def test_a_page_before_anything_was_trained() -> None:
    page = search_page(SETTINGS, [])
    assert "No network has been trained yet" in page
    assert "<figure" not in page


def test_disturbed_measurements_are_named() -> None:
    found = [tried(number, 1.0, 20) for number in range(4)]
    found = [
        one.model_copy(update={"cost_kind": "measured", "doubt": "noisy: others <ran>" if one.number in (1, 3) else ""})
        for one in found
    ]
    page = search_page(SETTINGS, found)
    assert "2 of them were disturbed (of network 1, 3)" in page
    assert "The last one was noisy: others &lt;ran&gt;." in page
    assert "disturbed" not in search_page(SETTINGS, [tried(0, 1.0, 20)])
