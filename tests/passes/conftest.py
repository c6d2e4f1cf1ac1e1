from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Small tensors: threads that wait for each other take longer than the work."""
    torch.set_num_threads(1)
