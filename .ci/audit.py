"""Ask PyPI for known vulnerabilities of what a locked file names. Called as ``audit.py LOCKED``.

Exit codes: 0 none is known of any package; 1 some are; 3 the question could not be asked, or not of every package: what
was not looked at is not called safe.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path


def main(locked: Path) -> int:
    """Audit, and say what was found and what could not be looked at."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "audit.json"
        command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "-r", str(locked)]
        command += ["--format", "json", "--output", str(file), "--progress-spinner", "off"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        try:
            packages = json.loads(file.read_text())["dependencies"]
        except (OSError, ValueError, KeyError):
            last = [line for line in done.stderr.strip().splitlines() if line][-1:]
            print(f"NOT AUDITED: pip-audit could not run: {' '.join(last) or f'it ended with {done.returncode}'}")
            return 3
    return tell(packages)


def tell(packages: list[dict]) -> int:
    """Print the outcome; the exit code."""
    known = [(one, vulnerability) for one in packages for vulnerability in one.get("vulns", [])]
    for one, vulnerability in known:
        fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
        print(f"{one['name']} {one['version']}: {vulnerability['id']}, mended in {fixed}")
    skipped = sorted(one["name"] for one in packages if "skip_reason" in one)
    print(f"{len(packages) - len(skipped)} packages audited, {len(known)} known vulnerabilities")
    if skipped or not packages:
        print(f"NOT AUDITED: {len(skipped)} of {len(packages)}, of which nobody could tell: {' '.join(skipped)}")
    return 1 if known else 3 if skipped or not packages else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
