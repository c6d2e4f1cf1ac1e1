"""``edgekit gate --runtime-a --runtime-b`` as typed."""

import pytest


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--runtime-a", "onnxruntime==1.0"], "--runtime-a needs --runtime-b"),
        (["--runtime-a", "onnxruntime==1.0", "--runtime-b", "onnxruntime"], "--runtime-b takes a package"),
        (["--runtime-a", "onnxruntime==1.0", "--runtime-b", "openvino==1.0"], "are two runtimes"),
        (["--runtime-a", "onnxruntime==1.0", "--runtime-b", "onnxruntime==2.0", "--update"], "is about baselines"),
        (["--data", "photos"], "--data goes with --runtime-a"),
        (["--labels", "labels.csv"], "--labels goes with --runtime-a"),
        (
            ["--runtime-a", "onnxruntime==1", "--runtime-b", "onnxruntime==2", "-d", "sim-rpi4"],
            "is reached by simulated",
        ),
    ],
)
def test_what_makes_no_upgrade_is_refused(edgekit, words, said):
    done = edgekit("gate", "mobilenet_v3", *words)
    assert done.returncode == 2
    assert said in done.stderr
