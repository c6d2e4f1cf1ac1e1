"""``edgekit audit-run`` as typed."""


def test_a_report_that_is_not_there_is_refused(edgekit, tmp_path):
    done = edgekit("audit-run", "nothing", "--reports", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not an artifact, a file or the key of a measurement" in done.stderr
