import pytest
from typer.testing import CliRunner

from edgekit.reports.page.words import again, short, tip
from edgekit.reports.summary import summarise


def test_long_names_keep_both_ends():
    assert short("mobilenet_v3_large_1.0") == "mobilenet_v3_large_1.0"
    cut = short("a" * 50 + "_tail", 20)
    assert len(cut) == 20
    assert cut.endswith("…a_tail")


@pytest.mark.parametrize(
    ("changes", "options"), [({"threads": 4}, "--threads 4 --per-op"), ({"per_op": None}, "--threads 1")]
)
def test_the_command_measures_the_same_again(make, changes, options):
    command = again(make(**changes))
    assert command == f"edgekit profile artifacts/mobilenet_v3_large_1.0/tflite-int8 --device local {options}"


def test_the_command_is_one_that_the_command_line_knows(make):
    from edgekit.cli import app

    done = CliRunner().invoke(app, [*again(make()).split()[1:3], "--device", "nowhere", "--per-op", "--roofline"])
    assert "No such option" not in done.output


def test_names_with_spaces_are_quoted(make):
    assert "'artifacts/a b/tflite-int8'" in again(make("a b"))


def test_the_tip_says_figures_and_provenance(make):
    text = tip(summarise([make()], {})[0].rows[0])
    assert text.splitlines()[0] == "#1 mobilenet_v3_large_1.0, tflite-int8"
    for part in ("95 % interval", "n = 200", "p99", "LiteRT 1.2.3", "sha256 abababababab…", "measured 2030-01-02"):
        assert part in text
