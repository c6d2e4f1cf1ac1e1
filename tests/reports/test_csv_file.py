"""The report as CSV."""

import csv
import io

from edgekit.catalog import cards
from edgekit.reports.csv_file import Line, measured, render_csv, text
from edgekit.reports.summary import summarise
from edgekit.types import Energy, Pinning, Revision


def lines(measurements, known):
    return [
        Line(row.number, row.accuracy, row.accuracy_source, measured(row.measurement))
        for group in summarise(measurements, known)
        for row in group.rows
    ]


def rows(measurements, known=None):
    return list(csv.DictReader(io.StringIO(render_csv(lines(measurements, known or {})))))


def test_every_measurement_is_a_row_that_reads_back(several):
    found = rows(several, cards())
    assert [row["number"] for row in found] == ["1", "2", "3", "4", "5"]
    by_model = {(row["model"], row["device"], row["precision"]): row for row in found}
    row = by_model["mobilenet_v3_large_1.0", "local", "int8"]
    m = several[0]
    assert float(row["p50_ms"]) == float(f"{m.p50_ms:.6g}")
    assert float(row["p50_low_ms"]) <= float(row["p50_ms"]) <= float(row["p50_high_ms"])
    assert row["published_top1_percent"] == "75.2"
    assert row["cpu"] == m.info.cpu  # commas, quotes and pipes survive
    assert row["artifact_sha256"] == m.artifact_sha256


def test_emulated_and_noisy_ones_say_so(several):
    found = rows(several)
    assert [row["emulated"] for row in found] == ["false"] * 4 + ["true"]
    assert found[3]["verdict_reasons"] == "drifts by 5 %"


def test_unknown_is_empty_not_zero(make):
    (row,) = rows([make(peak_rss_bytes=None, samples_ns=(1_000_000,))])
    assert row["peak_rss_bytes"] == row["commit"] == row["p50_low_ms"] == row["published_top1_percent"] == ""
    (row,) = rows([make(revision=Revision(commit="a" * 40, dirty=True))])
    assert (row["commit"], row["dirty"]) == ("a" * 40, "true")


def test_energy_and_cores_are_there_or_empty(make):
    (row,) = rows([make()])
    assert row["energy_mj"] == row["pinned_cores"] == ""
    assert row["rounds"] == "1"
    spent = tuple(Energy(domain=name, spent_uj=uj, window_s=1.0) for name, uj in (("package-0", 400_000), ("psys", 1)))
    (row,) = rows([make(energy=spent, pinned=Pinning(asked="little", cpus=(0, 1)), rounds=(100, 100))])
    assert row["energy_mj"] == "package-0 2; psys 5e-06"
    assert (row["pinned_cores"], row["rounds"]) == ("0 1", "2")


def test_no_cell_is_a_formula(make):
    (row,) = rows([make(model="=1+1")])
    assert row["model"] == "'=1+1"
    assert text(-3.5) == "-3.5"


def test_nothing_measured_is_an_empty_file():
    assert render_csv([]) == ""
