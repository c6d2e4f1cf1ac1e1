"""Tables at eighty columns."""

from rich.text import Text

from edgekit.reports.narrow import fit

TITLES = ("model", "profile", "threads", "n", "p50 ms")
ROWS = [("mobilenet_v1_1.0", "tflite-int8", "1", "200", Text("4.00")), ("squeezenet", "onnx-fp32", "1", "60", "5.00")]


def test_a_wide_terminal_shows_everything():
    assert fit(TITLES, ROWS, 80, ("n",)) == fit(TITLES, ROWS, 160)
    assert fit(TITLES, ROWS, 80).kept == (0, 1, 2, 3, 4)


def test_what_all_rows_share_is_said_once_before_anything_is_left_out():
    found = fit(TITLES, ROWS, 45, ("n", "profile"))
    assert found.kept == (0, 1, 3, 4)
    assert found.notes == ("in every row: threads 1",)


def test_the_least_wanted_go_first_and_are_named():
    found = fit(TITLES, ROWS, 37, ("n", "profile"))
    assert found.kept == (0, 1, 4)
    assert found.notes[1] == "left out, as they do not fit 37 columns: n (--json has all)"
    assert fit(TITLES, ROWS, 10, ("n", "profile")).kept == (0, 4)


def test_a_single_row_shares_nothing():
    assert fit(TITLES, ROWS[:1], 30).kept == (0, 1, 2, 3, 4)
