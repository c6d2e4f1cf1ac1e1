"""What an export is refused for before any work."""

from __future__ import annotations

import pytest

from edgekit.artifacts.prepare import ExportOptions
from edgekit.artifacts.tasks import check_used
from edgekit.catalog import find_profile
from edgekit.errors import UsageError

FLOAT, INT8, DYNAMIC = (find_profile(f"onnx-{name}") for name in ("fp32", "int8", "dynamic"))


@pytest.mark.parametrize("profiles", [[FLOAT], [FLOAT, DYNAMIC]])
def test_calibration_images_that_nothing_uses(profiles) -> None:
    both = ExportOptions(calibration="photos", parity_data="others")
    with pytest.raises(UsageError, match="--calibration photos would not be used: onnx-fp32") as caught:
        check_used(profiles, both)
    assert "--int8" in caught.value.hint
    check_used([*profiles, INT8], both)
    check_used(profiles, ExportOptions(calibration="photos"))  # they verify
    check_used(profiles, ExportOptions(parity_data="others"))
