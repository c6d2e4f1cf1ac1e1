"""``edgekit search`` as typed."""

import json

import pytest

pytest.importorskip("optuna")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["squeezenet_1.1"], "squeezenet_1.1 has no width to search"),
        (["mnasnet_small", "--space", "block"], "--space is blocks or width, got 'block'"),
        (["mnasnet_small", "--limit", "firm"], "--limit is hard or soft, got 'firm'"),
        (["mnasnet_small", "--device", "rpi9"], "rpi9"),
        (["mnasnet_small", "--images", "100000000"], "training images, and 100000000 to train on"),
        (["mnasnet_small", "--profile", "tflite-fp31"], "unknown export profile 'tflite-fp31'"),
        (["mnasnet_smal"], "unknown model 'mnasnet_smal'"),
        (["net.py:build"], "net.py:build is code of your own, and a search changes what a card describes"),
    ],
)
def test_wrong_words(edgekit, stripes, words, said):
    sizes = [] if "--images" in words else ["--images", 20, "--judge", 20]
    done = edgekit("search", *words, "--data", stripes, *sizes)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr


def test_a_search_on_this_machine(edgekit, stripes, project):
    words = ["search", "mnasnet_small", "--data", stripes, "--profile", "onnx-fp32", "--trials", 1, "--images", 40]
    done = edgekit(*words, "--judge", 20, "--epochs", 1, "--batch", 8, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["best"] == 0
    assert found["front"] == [0]
    assert found["tried"][0]["cost_kind"] == "measured"
    assert (project / found["folder"] / "search.html").is_file()
    told = edgekit(*words, "--judge", 20, "--epochs", 1, "--batch", 8)  # nothing left to try: the same answer
    assert told.stdout.startswith("best: network 0, ")
    assert "nothing better than the reference was found" in told.stderr
    assert "page: runs/search/mnasnet_small/local/search.html" in told.stderr
