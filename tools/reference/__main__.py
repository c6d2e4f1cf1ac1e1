"""Write every generated page of docs/reference again."""

from __future__ import annotations

import sys

from .pages import FOLDER, PAGES


def main() -> None:
    """Write the pages whose text has changed, and name them."""
    for name, page in PAGES.items():
        path, text = FOLDER / name, page()
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(FOLDER.parent.parent)}\n")


if __name__ == "__main__":
    main()
