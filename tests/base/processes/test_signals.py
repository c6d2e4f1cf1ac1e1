"""A run that was ended from outside is told from one that failed."""

from __future__ import annotations

import io
import zipfile

import pytest

from edgekit.base.processes.signals import stop_behind
from edgekit.cli.show.console import error_boundary


def cut_short(stop: BaseException) -> None:
    """Write an archive until ``stop`` comes: to close it fails then, which hides why."""
    with zipfile.ZipFile(io.BytesIO(), "w") as archive:
        _ = archive.open("name", "w")
        raise stop


@pytest.mark.parametrize(("stop", "code"), [(KeyboardInterrupt(), 130), (SystemExit(143), 143), (SystemExit(129), 129)])
def test_what_fails_on_the_way_out_does_not_hide_the_stop(
    stop: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="open writing handle") as failed:
        cut_short(stop)
    assert stop_behind(failed.value) == code
    with pytest.raises(SystemExit) as caught, error_boundary(False):
        cut_short(stop)
    assert caught.value.code == code
    assert "fault of edgekit" not in capsys.readouterr().err


@pytest.mark.parametrize("stop", [SystemExit(1), OSError("no space")])
def test_other_failures_are_told_as_such(stop: BaseException) -> None:
    with pytest.raises(ValueError, match="open writing handle") as failed:
        cut_short(stop)
    assert stop_behind(failed.value) is None
