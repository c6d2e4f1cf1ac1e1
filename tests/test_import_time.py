"""What starting up must not import: a user waits for it at every command."""

import subprocess
import sys

import pytest

FRAMEWORKS = {
    "torch", "onnx", "onnxruntime", "onnxscript", "onnxsim", "litert_torch", "ai_edge_litert", "litert_quantizer",
    "openvino", "nncf", "jinja2", "jax", "PIL",
}  # fmt: skip


def imported_by(code: str) -> set[str]:
    """Top-level names of the modules that are loaded after ``code`` ran in a fresh interpreter."""
    report = "\nimport sys; print('\\n'.join({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines())


def test_help_imports_neither_frameworks_nor_numbers():
    code = "import sys; sys.argv = ['edgekit', '--help']\nfrom edgekit.cli import main\n"
    code += "try: main()\nexcept SystemExit: pass"
    assert not imported_by(code) & (FRAMEWORKS | {"numpy", "scipy", "pydantic"})


@pytest.mark.parametrize("verb", ["profile", "stored.report", "doctor", "gate"])
def test_verbs_of_the_core_install_import_no_framework(verb):
    assert not imported_by(f"import edgekit.verbs.{verb}, edgekit.cli.{verb}") & FRAMEWORKS


@pytest.mark.parametrize("module", ["cli.export_own", "verbs.export", "verbs.export_own", "verbs.networks.lint"])
def test_what_leaves_the_network_to_children_imports_no_framework(module):
    assert not imported_by(f"import edgekit.{module}") & FRAMEWORKS - {"PIL"}


def test_the_public_names_are_there_and_import_no_framework():
    import edgekit

    assert {name for name in edgekit.__all__ if not hasattr(edgekit, name)} == set()
    assert {"EdgekitError", "build"} <= set(edgekit.__all__)
    assert not imported_by("from edgekit import *") & (FRAMEWORKS | {"numpy", "scipy", "pydantic", "typer"})
