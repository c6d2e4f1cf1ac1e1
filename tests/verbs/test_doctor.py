"""The verb ``doctor``: verdicts on trials, and the trials themselves."""

import json
from importlib import metadata
from importlib.resources import files

import numpy as np
import onnxruntime
import openvino
import pytest
import torch

from edgekit.artifacts.children import trials as doctor_probe
from edgekit.errors import ToolError
from edgekit.verbs import doctor


def test_attempt_of_something_not_installed_is_no_failure():
    check = doctor.attempt("run x", ("numpy", "no-such-package"), "run", lambda: pytest.fail("was tried"))
    assert (check.status, check.detail) == ("not installed", "needs no-such-package")
    assert "[run]" in check.remedy


def test_attempt_that_fails_tells_the_cause_in_one_line():
    def trial() -> str:
        raise ToolError("crashed with SIGSEGV\n    a long log")

    check = doctor.attempt("run x", ("numpy",), "run", trial)
    assert (check.status, check.detail) == ("broken", "crashed with SIGSEGV")


@pytest.mark.parametrize("worst", [1e-3, float("nan"), float("inf")])
def test_wrong_outputs_are_a_failure(worst):
    with pytest.raises(ToolError, match="outputs are wrong"):
        doctor.judge(doctor_probe.ProbeRun(max_abs=worst, version="1"), "fine")


def diagnosis(*checks: doctor.Check) -> doctor.Diagnosis:
    return doctor.Diagnosis(
        edgekit="0", python="3", system="s", packages={}, target=None, features=(), free_bytes={}, checks=checks
    )


def test_exit_code_3_only_when_something_installed_is_broken():
    fine = doctor.Check(name="a", status="ok", detail="")
    absent = doctor.Check(name="b", status="not installed", detail="")
    diagnosis(fine, absent).raise_failures()
    broken = doctor.Check(name="run litert", status="broken", detail="", remedy="pip install x")
    with pytest.raises(ToolError, match="run litert") as caught:
        diagnosis(fine, broken).raise_failures()
    assert (caught.value.exit_code, caught.value.hint) == (3, "pip install x")


def test_packages_come_from_the_metadata():
    found = doctor.packages()
    assert {"core", "export", "run", "report"} <= set(found)
    assert {"name": "numpy", "version": metadata.version("numpy")} in [p.model_dump() for p in found["core"]]


def test_every_needed_package_is_in_the_extra_that_the_remedy_names():
    extras = {extra: {p.name for p in group} for extra, group in doctor.packages().items()}
    assert {name for needed in doctor.CONVERTERS.values() for name in needed} <= extras["export"]
    assert {name for needed in doctor.RUNTIMES.values() for name in needed} <= extras["run"]


def test_crash_on_import_is_reported(tmp_path, monkeypatch):
    (tmp_path / "jinja2.py").write_text("import os; os.abort()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check = doctor.attempt("report", ("jinja2",), "report", doctor.try_report)
    assert check.status == "broken"
    assert "SIGABRT" in check.detail


def test_shipped_files_hold_the_probe_network():
    expected = json.loads((files("edgekit") / "probe_models" / "expected.json").read_text())
    with torch.no_grad():
        now = doctor_probe.build_probe()(torch.from_numpy(doctor_probe.probe_input())).flatten().numpy()
    np.testing.assert_allclose(now, expected, rtol=0, atol=1e-6)
    assert len({round(value, 4) for value in expected}) == 8, "outputs too alike to show a mistake"


def test_openvino_devices_have_their_full_names():
    core = openvino.Core()
    name = core.get_property("CPU", "FULL_DEVICE_NAME")
    assert f"CPU: {name}" in doctor.list_devices("openvino").split("; ")


def test_onnxruntime_devices_are_its_providers():
    assert doctor.list_devices("onnxruntime") == "; ".join(onnxruntime.get_available_providers())


def test_litert_without_a_driver_says_why_it_has_no_gpu(monkeypatch):
    for name in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES"):
        monkeypatch.setenv(name, "/nowhere/icd.json")
    cpu, gpu = doctor.list_devices("litert").split("; ")
    assert cpu == "CPU"
    assert gpu.startswith("no GPU: ")
    assert "no GPU adapter was found" in gpu


@pytest.mark.slow
def test_litert_names_the_adapter_and_that_it_is_none(lavapipe):
    gpu = doctor.list_devices("litert").split("; ")[1]
    assert gpu.startswith("GPU: llvmpipe")
    assert gpu.endswith("(a CPU that plays a GPU)")


@pytest.mark.slow
def test_everything_works_here(heard):
    found = doctor.diagnose(progress=heard)
    assert {check.name: (check.status, check.detail) for check in found.checks if check.status != "ok"} == {}
    assert len(found.checks) == len(heard.events) == 10
    assert doctor.Diagnosis.model_validate_json(found.model_dump_json()) == found
