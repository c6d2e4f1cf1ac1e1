"""Write a CycloneDX bill of materials beside a wheel. Called as ``sbom.py LOCKED DIST``.

It names the wheel by its digest, and every package that a locked file installs with it, with the digests of its files.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;\\]+)(?: ; (?P<marker>[^\\\n]+?))?(?: \\)?$")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def main(locked: Path, dist: Path) -> None:
    """Write ``DIST/NAME-VERSION.cdx.json`` for the one wheel there."""
    (wheel,) = dist.glob("*.whl")
    name, version = wheel.name.split("-")[:2]
    file = dist / f"{name}-{version}.cdx.json"
    file.write_text(json.dumps(bill(locked.read_text(), wheel), indent=2) + "\n")
    print(f"bill of materials: {file}")


def bill(locked: str, wheel: Path) -> dict[str, Any]:
    """The document; the same for the same wheel and the same pins."""
    name, version = wheel.name.split("-")[:2]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    # No package URL: it would stand for a package of that name on PyPI.
    root = {
        "type": "application",
        "bom-ref": name,
        "name": name.replace("_", "-"),
        "version": version,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
        "hashes": [{"alg": "SHA-256", "content": digest}],
        "properties": [{"name": "file", "value": wheel.name}],
    }
    parts = components(locked)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest + locked)}",
        "version": 1,
        "metadata": {"component": root},
        "components": parts,
        "dependencies": [{"ref": name, "dependsOn": [part["bom-ref"] for part in parts]}],
    }


def components(locked: str) -> list[dict[str, Any]]:
    """One component for each pin of a locked file."""
    found: list[dict[str, Any]] = []
    for line in locked.splitlines():
        pin, digest = PIN.match(line), HASH.search(line)
        if pin:
            url = f"pkg:pypi/{pin['name'].lower()}@{pin['version']}"
            found.append({"type": "library", "bom-ref": url, "name": pin["name"], "version": pin["version"]})
            found[-1]["purl"] = url
            if pin["marker"]:
                found[-1]["properties"] = [{"name": "installed where", "value": pin["marker"]}]
        elif digest:
            # A file each: CycloneDX's own list of hashes is that of one file.
            files = found[-1].setdefault("externalReferences", [{"type": "distribution", "url": found[-1]["purl"]}])
            files[0].setdefault("hashes", []).append({"alg": "SHA-256", "content": digest[1]})
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
