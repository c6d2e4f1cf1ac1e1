"""A training's checkpoint: tensors and plain values only, so that ``torch.load(weights_only=True)`` reads it.

``{"state_dict": …, "edgekit": {…}, "optimizer": …, "run": …}``; whoever wants the weights alone takes ``state_dict``
as in any public checkpoint.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field, ValidationError

from ..base.files import write_atomic
from ..errors import UsageError
from ..types import Frozen
from ..types.models import PREPROCESSING_RECORD
from .loop import Training
from .metrics import Run


class Header(Frozen):
    """The description of a checkpoint of edgekit, under the key ``edgekit``.

    Attributes:
        architecture: of the card, in the form that the tensors have.
        layout: of the foreign checkpoint that the training began with, when its BN epsilon, activation or shuffle
            order was taken over; no tensor says that. Empty otherwise.
        classes: names of the classes, by number.
        ranges: of the tensors that quantization-aware training rounded, see ``fake_quant.learnt_ranges``.
    """

    version: Literal[1] = 1
    model: str
    family: str
    architecture: dict[str, str | int | float | bool]
    num_classes: int
    layout: str = ""
    classes: tuple[str, ...] = ()
    epoch: int = 0
    ranges: dict[str, tuple[float, float]] = Field(default_factory=dict)


def save_tensors(path: Path, content: dict[str, Any]) -> None:
    """Write tensors and plain values, such as a ``state_dict``, to ``path``: whole or not at all."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomic(path, buffer.getvalue())


def save_checkpoint(path: Path, header: Header, training: Training, run: Run) -> None:
    """Write all that the training needs to go on."""
    content = {
        "state_dict": training.network.state_dict(),
        "edgekit": header.to_plain(),
        "optimizer": training.optimizer.state_dict(),
        "run": run.model_dump_json(),
        PREPROCESSING_RECORD: training.preprocessing.model_dump_json(),
    }
    save_tensors(path, content)


def read_run(path: Path) -> tuple[dict[str, Any], Header, Run]:
    """A checkpoint to resume: its content, its header, its run so far.

    Raises:
        UsageError: unreadable, or not a training checkpoint of this version.
    """
    hint = "start anew: remove it, or name another folder with --out"
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        header = Header.from_plain(content["edgekit"])
        return content, header, Run.model_validate_json(content["run"])
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise UsageError(f"{path} cannot be read as a checkpoint: {str(error).splitlines()[0]}", hint) from error
    except (KeyError, TypeError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise UsageError(f"{path} is not a training checkpoint of this version: {first}", hint) from error


def restore(training: Training, content: dict[str, Any], run: Run) -> None:
    """Put the training where the checkpoint left it."""
    training.network.load_state_dict(content["state_dict"], strict=True)
    training.optimizer.load_state_dict(content["optimizer"])
    training.epochs_done = len(run.epochs)
