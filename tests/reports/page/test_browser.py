"""The page in a real browser: no errors, sorting, filtering, keyboard, narrow windows, contrast, without scripts."""

import io
from pathlib import Path

import pytest
from PIL import Image

from edgekit.catalog import cards
from edgekit.reports.html import render_html
from edgekit.reports.summary import summarise
from edgekit.types import Delegation, SustainedPoint, Verdict

LONG = "an_unreasonably_long_name_of_a_network_that_somebody_really_gave_it_" * 3
SHOWN = "[...document.querySelectorAll('table.main tbody tr[data-row]')].filter(r => !r.hidden)"
CONTRAST = """
(() => {
  const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
  };
  const poor = [], seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let count = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim()) continue;
    if (element.closest("script, style, title, option, .out, .skip, [hidden]")) continue;
    const style = getComputedStyle(element);
    const under = ground(element);
    const ink = over(parse(element.closest("svg") ? style.fill : style.color), under);
    const [a, b] = [light(ink), light(under)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    count += 1;
    if (ratio < 4.5) poor.push(`${element.tagName}.${element.getAttribute("class")} ${ratio.toFixed(2)}`);
  }
  return [count, [...new Set(poor)]];
})()
"""


TOUCHING = """
(() => {
  const hit = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2;
  const box = (name, element) => [name, element.getBoundingClientRect()];
  const touching = [];
  let count = 0;
  for (const plot of document.querySelectorAll("svg.plot, svg.lane")) {
    const seen = [...plot.querySelectorAll("text")].filter((t) => t.textContent.trim() && t.getClientRects().length);
    const words = seen.map((t) => box(t.textContent, t));
    const marks = [...plot.querySelectorAll("a.mark")].map((m) => box(m.getAttribute("href"), m));
    count += words.length;
    words.forEach(([name, a], at) => {
      for (const [other, b] of [...words.slice(at + 1), ...marks]) if (hit(a, b)) touching.push(`${name} | ${other}`);
    });
  }
  return [count, touching];
})()
"""
HEADS = "[...document.querySelectorAll('table.main thead th')].filter(h => h.offsetWidth).map(h => h.dataset.id)"


@pytest.fixture
def page(make, several, tmp_path) -> Path:
    """A page with everything on it: two real devices, an emulated one, all verdicts, a long run, a long name."""
    windows = tuple(
        SustainedPoint(t_s=20.0 * n, latency_ns=7_000_000 + n * 90_000, temperature_c=50.0 + n, clock_mhz=1800.0 - n)
        for n in range(40)
    )
    more = [
        make(precision="fp32", p50_ms=14.0, sustained=windows),
        make(LONG, "openvino", "int8", 3.0, "rpi4", delegation=Delegation(name="X", share=0.9, partitions=3)),
        make(device="rpi4", p50_ms=40.0, verdict=Verdict(name="throttled", reasons=("hot " * 30,))),
    ]
    path = tmp_path / "report.html"
    path.write_text(render_html(summarise([*several, *more], cards()), "0.0.0"), encoding="utf-8")
    return path


def shown(browser, name):
    return browser.run(f"{SHOWN}.map(r => r.querySelector('td.{name}').dataset.key)")


def test_it_runs_without_errors_and_asks_the_network_for_nothing(browser, page):
    browser.open(page)
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert browser.problems == []
    assert browser.requests == [page.as_uri()]


def test_a_header_sorts_both_ways_and_says_so(browser, page):
    browser.open(page)
    browser.click("th.size button")
    browser.click("th.p50 button")
    real = [float(key) for key in shown(browser, "p50")][:-1]
    assert real == sorted(real)
    assert browser.run("document.querySelector('th.p50').getAttribute('aria-sort')") == "ascending"
    assert browser.run("document.querySelectorAll('th[aria-sort]').length") == 1
    browser.click("th.p50 button")
    assert [float(key) for key in shown(browser, "p50")][:-1] == real[::-1]
    assert browser.run("document.querySelector('th.p50').getAttribute('aria-sort')") == "descending"
    assert browser.run("document.getElementById('said').textContent") == "sorted by p50 ms, descending"


def test_emulated_rows_stay_apart_however_it_is_sorted(browser, page):
    browser.open(page)
    for _ in range(2):
        browser.click("th.p50 button")
        assert browser.run(f"{SHOWN}.map(r => r.dataset.verdict).indexOf('emulated')") == 7


def test_words_sort_as_words_and_unknown_values_last(browser, page):
    browser.open(page)
    browser.click("th.model button")
    assert shown(browser, "model")[0].startswith("a_network")
    for _ in range(2):
        browser.click("th.top1 button")
        keys = shown(browser, "top1")[:-1]
        assert keys[-2:] == ["", ""]
        assert "" not in keys[:-2]


def test_filters_combine_and_reach_the_whole_page(browser, page):
    browser.open(page)
    count = browser.run(f"{SHOWN}.length")
    choose = "(s, v) => { s.value = v; s.dispatchEvent(new Event('change')); }"
    browser.run(f"({choose})(document.querySelector('select[data-filter=precision]'), 'int8')")
    int8 = browser.run(f"{SHOWN}.map(r => r.dataset.precision)")
    assert 0 < len(int8) < count
    assert set(int8) == {"int8"}
    browser.run("document.querySelector('.tools input').focus()")
    browser.send("Input.insertText", text="RPI4 mobilenet")
    assert browser.run(f"{SHOWN}.map(r => r.dataset.device)") == ["rpi4", "virtual-rpi4"]
    assert browser.run("document.querySelectorAll('#details details:not([hidden])').length") == browser.run(
        f"{SHOWN}.length"
    )
    assert browser.run("document.querySelectorAll('a.mark.faint').length") > 0
    assert " of 8 shown" in browser.run("document.querySelector('.tools output').textContent")
    browser.click("#reset")
    assert browser.run(f"{SHOWN}.length") == count
    assert browser.run("document.querySelectorAll('a.mark.faint').length") == 0


def test_the_keyboard_reaches_sorting_and_provenance(browser, page):
    browser.open(page)
    browser.run("document.querySelector('#reset').focus()")
    browser.press("Tab", 9)
    assert browser.run("document.activeElement.textContent") == "Columns"
    browser.press("Tab", 9)
    assert browser.run("document.activeElement.closest('th')?.dataset.id") == "number"
    assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press("Tab", 9)
    browser.press("Enter", 13, "\r")
    assert browser.run("document.querySelector('th.model').getAttribute('aria-sort')") == "ascending"
    browser.run("document.querySelector('td.number a').focus({focusVisible: true})")
    assert "sha256" in browser.run("document.getElementById('tip').textContent")
    assert not browser.run("document.getElementById('tip').hidden")
    browser.press("Escape", 27)
    assert browser.run("document.getElementById('tip').hidden")
    browser.press("Enter", 13, "\r")
    browser.run("new Promise(done => setTimeout(done, 50))")
    assert browser.run("document.querySelector('details:target').open")


def test_at_most_nine_columns_show_and_others_on_demand_kept_in_the_address(browser, page):
    browser.open(page)
    usual = browser.run(HEADS)
    assert len(usual) == 9
    assert {"number", "model", "device", "format", "precision", "p50", "verdict"} <= set(usual)
    browser.run("document.querySelector('.columns').open = true")
    for name in ("p99", "size"):
        browser.click(f".columns input[value={name}]")
    chosen = browser.run(HEADS)
    assert set(chosen) ^ set(usual) == {"p99", "size"}
    address = browser.run("location.href")
    assert "?columns=" in address
    browser.send("Page.navigate", url=address)
    browser.wait_for("Page.loadEventFired")
    assert browser.run(HEADS) == chosen
    browser.run("document.querySelector('.columns').open = true")
    for name in ("p99", "size"):
        browser.click(f".columns input[value={name}]")
    assert browser.run("location.href") == page.as_uri()
    assert browser.problems == []


@pytest.mark.parametrize("width", [390, 800, 1200])
def test_labels_touch_nothing(browser, page, width):
    browser.open(page, width)
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    count, touching = browser.run(TOUCHING)
    assert count > 100
    assert touching == []


def test_a_mark_names_itself_and_leads_to_its_details(browser, page):
    browser.open(page)
    assert browser.run(
        "[...document.querySelectorAll('a.mark')].every(m => m.getAttribute('aria-label').includes('p50'))"
    )
    assert browser.run("document.querySelectorAll('a.mark title').length") == 0
    browser.run("document.querySelector('a.mark').focus()")
    assert "95 % interval" in browser.run("document.getElementById('tip').textContent")
    browser.run("document.activeElement.scrollIntoView({block: 'center', behavior: 'instant'})")
    browser.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert not browser.run("document.getElementById('tip').hidden")
    top = "{}.getBoundingClientRect().top"
    mark, tip = (browser.run(top.format(one)) for one in ("document.activeElement", "document.getElementById('tip')"))
    assert abs(mark - tip) < 400


def test_it_is_whole_without_scripts(browser, page):
    browser.open(page, scripts=False)
    assert browser.run(f"{SHOWN}.length") == 8
    assert browser.run("document.querySelectorAll('th button').length") == 0
    for control in (".tools", ".theme", "#tip"):
        assert browser.run(f"document.querySelector('{control}').getBoundingClientRect().height") == 0
    assert browser.run("document.querySelectorAll('svg.plot').length") > 8


@pytest.mark.parametrize("width", [320, 400, 768, 1024, 1280, 1920])
def test_no_window_scrolls_sideways(browser, page, width):
    browser.open(page, width)
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert browser.run("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [320, 390, 700, 1200])
def test_no_value_beside_a_bar_leaves_its_card(browser, page, width):
    """A median of six digits with its interval and a verdict is wider than the place that a phone has for it."""
    browser.open(page, width)
    browser.run(
        "window.values = [...document.querySelectorAll('.bars [data-row] .value')]; values.forEach(one => { "
        "one.firstChild.textContent = '0.0133 ms'; one.childNodes[1].textContent = ' 0.0133-0.0133 '; })"
    )
    edge = "one.closest('.bars').getBoundingClientRect().right + 1"
    beyond = browser.run(
        "values.flatMap(one => [one, ...one.children]).filter(one => one.getClientRects().length && "
        f"one.getBoundingClientRect().right > {edge} || one.scrollWidth > one.clientWidth + 1 && values.includes(one))"
        ".map(one => one.textContent)"
    )
    assert browser.run("values.length") > 3
    assert beyond == []


def test_a_phone_sorts_by_a_list(browser, page):
    browser.open(page, 400)
    assert browser.run("document.querySelector('.sorter').getBoundingClientRect().height") > 20
    browser.run(
        "(s => { s.value = '6 false'; s.dispatchEvent(new Event('change')); })(document.getElementById('sorter'))"
    )
    real = [float(key) for key in shown(browser, "p50")][:-1]
    assert real == sorted(real, reverse=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_what_is_behind_them(browser, page, scheme):
    browser.open(page, scheme=scheme)
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    count, poor = browser.run(CONTRAST)
    assert count > 500
    assert poor == []


def test_the_switch_overrules_the_system(browser, page):
    browser.open(page, scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = browser.run(background)
    browser.click(".theme label:nth-of-type(2) span")
    light = browser.run(background)
    assert light != dark
    browser.open(page, scheme="dark")
    assert browser.run(background) == light, "the choice was not kept"
    browser.click(".theme label:nth-of-type(1) span")
    assert browser.run(background) == dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_colours_of_the_series_reach_the_screen(browser, page, tmp_path, scheme):
    browser.open(page, scheme=scheme)
    image = Image.open(io.BytesIO(browser.screenshot(tmp_path / "page.png").read_bytes())).convert("RGB")
    colours = {pixel for _, pixel in image.getcolors(1 << 24)}
    series = {"light": ["0072b2", "d55e00", "009e73"], "dark": ["56b4e9", "e69f00", "009e73"]}[scheme]
    for wanted in (tuple(bytes.fromhex(name)) for name in series):
        assert any(max(abs(a - b) for a, b in zip(wanted, got, strict=True)) < 16 for got in colours), wanted


def test_printing_opens_the_details_and_hides_the_controls(browser, page):
    browser.open(page)
    browser.run("window.dispatchEvent(new Event('beforeprint'))")
    assert browser.run("document.querySelectorAll('details:not([open])').length") == 0
    browser.send(
        "Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}]
    )
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.run("getComputedStyle(document.querySelector('.tools')).display") == "none"
    browser.send("Emulation.setEmulatedMedia", media="", features=[])
    browser.run("window.dispatchEvent(new Event('afterprint'))")
    assert browser.run("document.querySelectorAll('details:not([open])').length") > 0


def test_no_word_of_a_table_is_broken_in_a_narrow_window(browser, page):
    """Tables scroll sideways instead; names of networks and of artifacts may be broken, they can be of any length."""
    browser.open(page, 390, 800)
    count, broken = browser.run("""
    (() => {
      const broken = [];
      let count = 0;
      for (const cell of document.querySelectorAll(".scroll td")) {
        const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
          const node = walker.currentNode;
          const around = node.parentElement;
          if (around.closest(".name, td.model, td.device, [hidden]") || !around.offsetWidth) continue;
          for (const word of node.data.matchAll(/[A-Za-z]+/g)) {
            const range = document.createRange();
            range.setStart(node, word.index);
            range.setEnd(node, word.index + word[0].length);
            count += 1;
            const tops = [...range.getClientRects()].map((box) => Math.round(box.top));
            if (new Set(tops).size > 1) broken.push(word[0]);
          }
        }
      }
      return [count, broken];
    })()
    """)
    assert count > 10
    assert broken == []
