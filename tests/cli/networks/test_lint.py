"""``edgekit lint`` as typed."""

import json


def test_the_rules_the_changes_and_the_totals(edgekit, tmp_path):
    done = edgekit("lint", "squeezenet_1.1", "--reports", tmp_path, "--most", 2)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("G1, equal channel widths: ")
    assert len(done.stdout.splitlines()) == 4
    assert sum(line.startswith("G1  ") for line in done.stderr.splitlines()) == 2
    assert "even widths compute as much (train again)" in done.stderr
    assert "edgekit profile squeezenet_1.1 --per-op measures them" in done.stderr


def test_json_has_every_finding(edgekit, tmp_path):
    done = edgekit("lint", "shufflenet_v1_g3_0.5", "--json", "--reports", tmp_path)
    found = json.loads(done.stdout)
    assert found["measured"] is None
    assert {one["guideline"] for one in found["findings"]} == {"G1", "G2", "G3", "G4"}
    assert all(one["measured_ns"] is None and one["change"] for one in found["findings"])


def test_an_unknown_name_is_refused(edgekit):
    done = edgekit("lint", "shufflenet_v9")
    assert done.returncode == 2
    assert "did you mean" in done.stderr


def test_calibration_as_typed(edgekit, tmp_path):
    done = edgekit("lint", "mobilenet_v2", "--calibrate")
    assert done.returncode == 2
    assert "--calibrate is of a device, not of a network" in done.stderr
    done = edgekit("lint", "--calibrate", "--format", "tflit")
    assert done.returncode == 2
    assert "unknown format 'tflit'" in done.stderr
    done = edgekit("lint")
    assert done.returncode == 2
    assert "name a network" in done.stderr
    done = edgekit("lint", "--calibrate", "--device", "virtual-rpi4")
    assert done.returncode == 5


def test_a_damaged_calibration_is_named(edgekit, tmp_path):
    broken = tmp_path / "rpi4" / "guidelines" / "tflite.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{}")
    done = edgekit("lint", "mobilenet_v2", "--device", "rpi4", "--reports", tmp_path)
    assert done.returncode == 2
    assert "is no calibration" in done.stderr
    assert "edgekit lint --calibrate --device rpi4" in done.stderr


def test_what_a_network_of_ones_own_repeats_stands_once(edgekit, tmp_path):
    """Additions in forward() belong to no layer: each said the same. The advice was about artifacts not yet made."""
    (tmp_path / "own.py").write_text(
        "import torch\nclass Net(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.conv = torch.nn.Conv2d(3, 8, 1)\n    def forward(self, x):\n        y = self.conv(x)\n"
        "        return y + y.exp() + y.tanh() + y.sigmoid()\n"
        "def build():\n    return Net()\ndef example_inputs():\n    return torch.rand(1, 3, 16, 16)\n"
    )
    code = tmp_path / "own.py"
    done = edgekit("lint", code, "--reports", tmp_path)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if "add moves" in line]
    assert ", 3 times" in line
    assert "more: --most" not in done.stderr
    assert f"edgekit export {code}, and then edgekit profile own --per-op measures them" in done.stderr
    assert "1 convolution of" in done.stdout
