from edgekit.reports.page.columns import COLUMNS
from edgekit.reports.summary import summarise
from edgekit.types import Delegation


def cells(measurement):
    row = summarise([measurement], {})[0].rows[0]
    return {column.id: column.cell(row) for column in COLUMNS}


def test_numbers_carry_their_spread_and_sort_by_value(make):
    found = cells(make(samples_ns=tuple(range(10_000_000, 12_000_000, 20_000)), macs=550_000_000))
    assert (found["p50"].text, found["p50"].note, found["p50"].key) == ("11.0", "10.8-11.2", "10.99")
    assert (found["p90"].text, found["p99"].text, found["n"].text) == ("11.8", "12.0", "100")
    assert found["rate"].text == "50.0"
    assert float(found["size"].key) == 5_900_000


def test_what_is_unknown_is_a_dash_that_sorts_last(make):
    found = cells(make(peak_rss_bytes=None))
    for name in ("memory", "top1", "delegated"):
        assert (found[name].text, found[name].key) == ("-", "")


def test_the_device_s_own_parity_is_shown(make):
    assert cells(make(device_cosine=0.98765))["there"].text == "0.9877"
    assert cells(make())["there"].text == "-"
    assert (cells(make())["parity"].text, cells(make())["parity"].note) == ("0.9921", "21 dB")


def test_delegation(make):
    found = cells(make(delegation=Delegation(name="XNNPACK", share=0.975, partitions=6)))["delegated"]
    assert (found.text, found.note) == ("98%", "6 part.")


def test_an_emulated_latency_makes_no_rate(make):
    assert cells(make(emulated=True))["rate"].text == "-"


def test_verdicts_sort_from_the_best(make):
    assert [cells(make(emulated=e))["verdict"].key for e in (False, True)] == ["0", "3"]
