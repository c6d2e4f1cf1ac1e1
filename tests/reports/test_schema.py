"""The published schemas are those in docs/schema; EDGEKIT_REGENERATE=1 rewrites them."""

import json
import os
from pathlib import Path

import pytest

from edgekit.reports.schema import KINDS, json_schema
from edgekit.reports.store import save
from edgekit.reports.versions import CURRENT

DOCS = Path(__file__).parent.parent.parent / "docs" / "schema"


@pytest.mark.parametrize("kind", KINDS)
def test_schema_is_the_published_one(kind: str) -> None:
    text = json.dumps(json_schema(kind), indent=2) + "\n"
    path = DOCS / f"{kind}.schema.json"
    if os.environ.get("EDGEKIT_REGENERATE"):
        path.write_text(text)
    assert path.read_text() == text, "fields changed: is it a new version? then EDGEKIT_REGENERATE=1"


def test_every_published_schema_has_a_kind() -> None:
    assert {path.name.split(".")[0] for path in DOCS.iterdir()} == set(KINDS)


def test_a_stored_measurement_has_exactly_the_fields_of_its_schema(make, tmp_path: Path) -> None:
    schema = json_schema("measurement")
    stored = json.loads(save(tmp_path, make()).read_text())
    assert stored.keys() == schema["properties"].keys()
    assert stored.keys() >= set(schema["required"])
    assert "digest" in schema["required"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["schema_version"]["const"] == CURRENT
    assert schema["$id"] == f"urn:edgekit:measurement:{CURRENT}"
