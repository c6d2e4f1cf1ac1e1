"""``edgekit condense``: proof, files, and what is refused with nothing written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from edgekit.base.progress import silent
from edgekit.catalog import find_card
from edgekit.errors import UsageError, VerificationError
from edgekit.training.recipes import Recipe
from edgekit.verbs import condense as workflow
from edgekit.verbs.condense import condense_checkpoint
from edgekit.verbs.train import TrainOptions, train
from edgekit.zoo.checkpoints import load_checkpoint, read_header, read_state
from edgekit.zoo.condensenet import CondenseNet, condensenet
from edgekit.zoo.registry import create

RECIPE = Recipe(epochs=4, batch=8, lr=0.05, lasso=1e-4)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def trained(tiny_condensenet: Path, stripes: Path, tmp_path: Path) -> Path:
    made = train(str(tiny_condensenet), TrainOptions(str(stripes), RECIPE, tmp_path / "run"))
    return made.folder / "checkpoint.pt"


def untrained(path: Path, progress: float = 0.0, **architecture: Any) -> Path:
    """An official-looking training checkpoint: ``state_dict``, ``module.`` prefix, no ``num_batches_tracked``."""
    torch.manual_seed(0)
    options = {"stages": "1-2", "growth": "4-8", "groups": 2, "factor": 2, "stem_stride": 1, "num_classes": 3}
    network = condensenet(**{**options, **architecture}, form="training")
    assert isinstance(network, CondenseNet)
    network.set_progress(progress)
    state = {f"module.{k}": v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    torch.save({"state_dict": state, "epoch": 1}, path)
    return path


def test_a_trained_network_is_condensed_and_proven(
    trained: Path, tiny_condensenet: Path, stripes: Path, tmp_path: Path
) -> None:
    before = trained.read_bytes()
    out = tmp_path / "deep" / "condensed.pt"
    made = condense_checkpoint(trained, out, str(tiny_condensenet), data=str(stripes))
    card = find_card(str(tiny_condensenet))
    assert trained.read_bytes() == before
    assert made.layers == 3
    assert 0 <= made.max_difference < 1e-13 * made.reference_max
    assert (made.half_difference, made.data) == (None, "stripes")
    assert made.accuracy == made.accuracy_before
    assert made.params < made.params_before
    assert read_header(out)["architecture"] == {**card.architecture, "half_classifier": False}
    network, masked = create(card), workflow.training_network(card, trained, read_state(trained))
    assert load_checkpoint(network, out)[0] == "CondenseNet converted"
    images = torch.randn(3, 3, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(network(images), masked(images))


def test_half_of_the_classifier_shows_its_cost(
    trained: Path, tiny_condensenet: Path, stripes: Path, tmp_path: Path
) -> None:
    whole = condense_checkpoint(trained, tmp_path / "whole.pt", str(tiny_condensenet))
    half = condense_checkpoint(
        trained, tmp_path / "half.pt", str(tiny_condensenet), half_classifier=True, data=str(stripes)
    )
    assert half.max_difference == whole.max_difference
    assert half.half_difference is not None
    assert half.half_difference > 1e-6
    assert half.params == whole.params - 14 * 3
    assert half.accuracy is not None
    assert half.accuracy_before is not None
    assert half.accuracy <= half.accuracy_before + 100 / 30
    network = create(find_card(str(tiny_condensenet)))
    assert load_checkpoint(network, tmp_path / "half.pt")[0] == "CondenseNet converted, classifier written out"


def test_an_official_checkpoint(tiny_condensenet: Path, tmp_path: Path) -> None:
    source = untrained(tmp_path / "model_best.pth.tar", 0.5)
    with pytest.raises(UsageError, match="does not say which network it is of") as caught:
        condense_checkpoint(source, tmp_path / "out.pt")
    assert "--model" in caught.value.hint
    made = condense_checkpoint(source, tmp_path / "out.pt", str(tiny_condensenet))
    assert made.max_difference <= 1e-13 * made.reference_max
    assert made.num_classes == 3
    assert (tmp_path / "out.pt").is_file()


def test_a_head_of_another_size(tiny_condensenet: Path, tmp_path: Path) -> None:
    source = untrained(tmp_path / "seven.pth.tar", 0.5, num_classes=7)
    assert condense_checkpoint(source, tmp_path / "out.pt", str(tiny_condensenet)).num_classes == 7


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        ({"progress": 0.0}, r"features\.denseblock_1\.denselayer_1\.conv_1, group 0: 8 of 8 inputs survive, not 4"),
        ({"growth": "8-16"}, "of another shape"),
        ({"stages": "1-3"}, "unexpected"),
        ({"stages": "1-1"}, "missing"),
    ],
)
def test_unusable_checkpoints(tiny_condensenet: Path, tmp_path: Path, checkpoint: Any, message: str) -> None:
    source = untrained(tmp_path / "a.pth.tar", **{"progress": 0.5, **checkpoint})
    with pytest.raises(UsageError, match=message):
        condense_checkpoint(source, tmp_path / "out.pt", str(tiny_condensenet))
    assert sorted(p.name for p in tmp_path.glob("*out*")) == []


def test_half_condensed(tiny_condensenet: Path, tmp_path: Path) -> None:
    card = tmp_path / "quarter.toml"
    text = tiny_condensenet.read_text().replace("factor = 2", "factor = 4").replace("tiny_condensenet", "quarter")
    card.write_text(text)
    source = untrained(tmp_path / "a.pth.tar", 0.4, factor=4)
    with pytest.raises(UsageError, match=r"denselayer_1\.conv_1, group 0: 4 of 8 inputs survive, not 2") as caught:
        condense_checkpoint(source, tmp_path / "out.pt", str(card))
    assert "train it to the end" in caught.value.hint
    assert not (tmp_path / "out.pt").exists()


def test_a_factor_that_does_not_divide(tiny_condensenet: Path, tmp_path: Path) -> None:
    card = tmp_path / "third.toml"
    card.write_text(tiny_condensenet.read_text().replace("factor = 2", "factor = 3").replace("tiny_c", "third_c"))
    source = untrained(tmp_path / "a.pth.tar", 0.5)
    with pytest.raises(UsageError, match="the condensation factor 3 does not divide 8 input channels"):
        condense_checkpoint(source, tmp_path / "out.pt", str(card))
    assert not (tmp_path / "out.pt").exists()


def test_other_mistakes(trained: Path, tiny_condensenet: Path, stripes: Path, tmp_path: Path) -> None:
    model, out = str(tiny_condensenet), tmp_path / "out.pt"
    before = trained.read_bytes()
    with pytest.raises(UsageError, match="is the checkpoint itself"):
        condense_checkpoint(trained, trained, model)
    with pytest.raises(UsageError, match="only CondenseNets can be condensed"):
        condense_checkpoint(trained, out, "squeezenet_1.1")
    with pytest.raises(UsageError, match="unknown model 'tiny_condensenet'"):
        condense_checkpoint(trained, out)  # what it says of itself is no built-in card
    with pytest.raises(UsageError, match="no training data at"):
        condense_checkpoint(trained, out, model, data="nowhere")
    condense_checkpoint(trained, tmp_path / "done.pt", model)
    with pytest.raises(UsageError, match="holds no masks"):
        condense_checkpoint(tmp_path / "done.pt", out, model)
    assert trained.read_bytes() == before
    assert not out.exists()


def test_a_difference_is_refused(
    trained: Path, tiny_condensenet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = workflow.condense

    def wrong(network: Any, **options: Any) -> CondenseNet:
        made = exact(network, **options)
        with torch.no_grad():
            made.get_parameter("classifier.bias")[0] += 1e-4
        return made

    monkeypatch.setattr(workflow, "condense", wrong)
    with pytest.raises(VerificationError, match=r"differs from the masked one by (0.0001|9.99e-05|1e-04)"):
        condense_checkpoint(trained, tmp_path / "out.pt", str(tiny_condensenet))
    assert not (tmp_path / "out.pt").exists()


@pytest.mark.slow
def test_export_condenses_by_itself(trained: Path, tiny_condensenet: Path, tmp_path: Path) -> None:
    from edgekit.artifacts.prepare import ExportOptions
    from edgekit.catalog import profile_for
    from edgekit.verbs.export import export

    options = ExportOptions(weights=str(trained), out=tmp_path / "artifacts")
    (outcome,) = export([str(tiny_condensenet)], [profile_for("tflite", "fp32")], options, silent)
    assert outcome.status == "converted", outcome.error
    assert outcome.artifact is not None
    assert outcome.artifact.weights.layout == "CondenseNet training, condensed"
    assert outcome.artifact.weights.trained
