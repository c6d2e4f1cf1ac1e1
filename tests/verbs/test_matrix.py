"""``edgekit matrix``: which cells there are, what a failure says, and resuming from manifests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from edgekit.artifacts.prepare import ExportOptions
from edgekit.artifacts.tasks import Outcome
from edgekit.base.progress import silent
from edgekit.catalog import cards
from edgekit.cli.show.matrix import matrix_markdown
from edgekit.errors import ToolError, UsageError, VerificationError
from edgekit.types import Artifact, ExportProfile
from edgekit.verbs import matrix as workflow
from edgekit.verbs.matrix import Matrix, choose_cards, choose_formats, choose_precisions, matrix, profile_of

TINY = Path(__file__).parent.parent / "data" / "artifacts" / "tiny"
MODELS = ("squeezenet_1.1", "mobilenet_v1_0.25")


class Exports:
    """Stands in for the export: copies a real small artifact, or fails as told."""

    def __init__(self, failures: dict[str, Exception] | None = None) -> None:
        self.failures = failures or {}
        self.asked: list[str] = []

    def __call__(
        self, models: Sequence[str], profiles: Sequence[ExportProfile], options: ExportOptions, say: Any
    ) -> list[Outcome]:
        (model,) = models
        if model in self.failures:
            raise self.failures[model]
        return [self.one(model, profile, options) for profile in profiles]

    def one(self, model: str, profile: ExportProfile, options: ExportOptions) -> Outcome:
        self.asked.append(f"{model} {profile.name}")
        error = self.failures.get(f"{model} {profile.name}")
        if error is not None:
            status = "failed to verify" if isinstance(error, VerificationError) else "failed to convert"
            return Outcome(model, profile.name, status, 1.5, error=error)  # type: ignore[arg-type]
        folder = options.out / model / profile.name
        folder.mkdir(parents=True, exist_ok=True)
        source = TINY / f"{profile.format}-fp32"
        artifact = Artifact.model_validate_json((source / "manifest.json").read_text())
        told = {"tool_versions": {"converter": "1"}, "precision": profile.precision}
        artifact = artifact.model_copy(update=told)
        for file in artifact.files:
            (folder / file.name).write_bytes((source / file.name).read_bytes())
        (folder / "manifest.json").write_text(artifact.model_dump_json())
        return Outcome(model, profile.name, "converted", 2.5, folder, artifact)


@pytest.fixture
def account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: Any) -> Any:
    """Runs the matrix of two variants with stand-in exports."""
    monkeypatch.setattr(workflow, "installed", {"converter": "1"}.get)

    def run(exports: Exports, **options: Any) -> tuple[Matrix, list[str]]:
        heard.events.clear()
        monkeypatch.setattr(workflow, "export", exports)
        chosen, formats = choose_cards(MODELS, (), False), choose_formats(())
        out, artifacts = tmp_path / "docs" / "m.md", tmp_path / "artifacts"
        made = matrix(chosen, formats, out, artifacts, heard, render=matrix_markdown, **options)
        data = options.get("data") or tmp_path / "docs" / "m.json"
        assert Matrix.model_validate_json(data.read_text()) == made
        assert out.read_text() == matrix_markdown(made)
        return made, heard.lines

    return run


def test_all_is_well(account: Any) -> None:
    made, lines = account(Exports(), jobs=2)
    assert [(c.model, c.format, c.status) for c in made.cells] == [
        (model, format_, "ok") for model in reversed(MODELS) for format_ in ("onnx", "tflite", "openvino")
    ]
    assert all(c.size_bytes and c.sqnr_db and c.seconds > 0 for c in made.cells)
    assert made.failures == ()
    assert sum("onnx ok, tflite ok, openvino ok" in line for line in lines) == 2


def test_the_figures_can_lie_apart_from_the_table(account: Any, tmp_path: Path) -> None:
    account(Exports(), data=tmp_path / "results" / "m.json")
    assert [path.name for path in (tmp_path / "docs").iterdir()] == ["m.md"]


def test_failures_stop_nothing_and_say_why(account: Any, tmp_path: Path) -> None:
    failures = {
        "squeezenet_1.1": UsageError("no such family"),
        "mobilenet_v1_0.25 tflite-fp32": ToolError("op GATHER_ND is not supported\n    last line of the log"),
        "mobilenet_v1_0.25 openvino-fp32": VerificationError("cosine 0.2"),
    }
    made, _ = account(Exports(failures))
    assert [c.status for c in made.cells] == ["ok", "failed to convert", "failed to verify", *["failed to build"] * 3]
    text = (tmp_path / "docs" / "m.md").read_text()
    assert "1 of 6 ok." in text
    assert (
        "- `mobilenet_v1_0.25` tflite, failed to convert: op GATHER_ND is not supported / last line of the log" in text
    )
    assert "| **failed to verify**, 1.5 s |" in text
    assert text.index("## mobilenet_v1") < text.index("## squeezenet") < text.index("## Reasons")


def test_resuming_takes_whole_artifacts_of_the_same_tools(
    account: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = account(Exports({"squeezenet_1.1 onnx-fp32": ToolError("out of memory")}))
    again = Exports()
    second, _ = account(again, resume=True)
    assert again.asked == ["squeezenet_1.1 onnx-fp32"]
    assert second.failures == ()
    assert [c for c in second.cells if c in first.cells] == [c for c in first.cells if c.status == "ok"]
    # A damaged one, and one made by other tools, are made again.
    damaged = tmp_path / "artifacts" / "squeezenet_1.1" / "tflite-fp32" / "model.tflite"
    damaged.write_bytes(b"short")
    exports = Exports({"squeezenet_1.1 tflite-fp32": ToolError("not this time")})
    third, lines = account(exports, resume=True)
    assert exports.asked == ["squeezenet_1.1 tflite-fp32"]
    assert any("tflite-fp32 is made again" in line and "is not the file that was verified" in line for line in lines)
    assert len(third.failures) == 1
    other = Exports()
    monkeypatch.setattr(workflow, "installed", {"converter": "2"}.get)
    _, lines = account(other, resume=True)
    assert len(other.asked) == 6
    assert any("converter was 1, is 2" in line for line in lines)


def test_the_choice() -> None:
    every = choose_cards((), (), False)
    assert {c.id for c in every} == set(cards())
    assert [c.family for c in every] == sorted(c.family for c in every)
    small = choose_cards((), (), True)
    assert [c.family for c in small] == sorted({c.family for c in every})
    assert all(c.macs <= other.macs for c in small for other in every if other.family == c.family)
    assert [c.id for c in choose_cards((), ("shufflenet_v2", "squeezenet"), True)] == [
        "shufflenet_v2_0.5",
        "squeezenet_1.1",
    ]
    assert [c.id for c in choose_cards(("mobilenet_v3", "mobilenet_v3_large"), (), False)] == ["mobilenet_v3_large_1.0"]
    assert choose_formats(("openvino", "onnx")) == ("onnx", "openvino")
    with pytest.raises(UsageError, match="unknown family 'squeeze'"):
        choose_cards((), ("squeeze",), False)
    with pytest.raises(UsageError, match="none of squeezenet"):
        choose_cards(("squeezenet",), ("igcv1",), False)
    with pytest.raises(UsageError, match="unknown format 'tflit'"):
        choose_formats(("tflit",))


def test_every_precision_is_a_row_of_its_own(account: Any, tmp_path: Path) -> None:
    exports = Exports({"mobilenet_v1_0.25 tflite-int8": VerificationError("cosine 0.2")})
    made, lines = account(exports, precisions=("fp32", "int8"))
    assert exports.asked[:6] == [
        f"mobilenet_v1_0.25 {format_}-{precision}"
        for precision in ("fp32", "int8")
        for format_ in ("onnx", "tflite", "openvino")
    ]
    assert [c.precision for c in made.cells] == [*["fp32"] * 3, *["int8"] * 3] * 2
    text = (tmp_path / "docs" / "m.md").read_text()
    assert "| variant | precision | onnx | tflite | openvino |" in text
    assert "- `mobilenet_v1_0.25` tflite int8, failed to verify: cosine 0.2" in text
    assert any("onnx int8 ok, tflite int8 failed to verify" in line for line in lines)


def test_the_precisions() -> None:
    assert choose_precisions(()) == ("fp32",)
    assert choose_precisions(("int8", "fp16")) == ("fp16", "int8")
    assert choose_precisions(("all",)) == ("fp32", "fp16", "int8", "dynamic")
    with pytest.raises(UsageError, match="unknown precision 'fp61'"):
        choose_precisions(("fp61",))
    (card,) = choose_cards(("igcv2_cifar10_c64_k8_l3_d8",), (), False)
    names = [profile_of(card, "openvino", precision).name for precision in choose_precisions(("all",))]
    assert names == ["openvino-fp32", "openvino-fp16", "openvino-int8", "openvino-weight-only"]


@pytest.mark.slow
def test_a_real_cell(tmp_path: Path) -> None:
    """CondenseNet's index and shuffle in ONNX, and the same artifact taken again."""
    chosen = choose_cards(("condensenet_fashion_small",), (), False)
    for resume in (False, True):
        made = matrix(
            chosen, ("onnx",), tmp_path / "m.md", tmp_path / "a", silent, resume=resume, render=matrix_markdown
        )
        (cell,) = made.cells
        assert cell.status == "ok", cell.reason
        assert cell.sqnr_db is not None
        assert cell.sqnr_db > 90
