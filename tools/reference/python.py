"""docs/reference/python.md: what ``edgekit.__all__`` names."""

from __future__ import annotations

import inspect
import re

import edgekit

from .text import page, plain, sections, summary, table

INTRODUCTION = """What `import edgekit` gives is the whole Python interface; all other modules may change with any
version. `import edgekit` loads no framework: PyTorch is imported when a network is built (install
the extra `export`)."""
EXAMPLE = """```python
import edgekit

network = edgekit.build("mobilenet_v2_1.0", weights="mobilenet_v2.pth")  # an nn.Module in eval mode
```"""


def python_page() -> str:
    """A section for each public name."""
    parts = [INTRODUCTION, EXAMPLE]
    for name in sorted(edgekit.__all__):
        thing = getattr(edgekit, name)
        if callable(thing):
            parts.append(described(name, thing))
    return page("Python interface", *parts)


def described(name: str, thing: object) -> str:
    """Signature, summary, arguments and errors of a function or class."""
    assert callable(thing)
    doc = inspect.getdoc(thing) or ""
    # Annotations are text, which needs no framework: without its quotes. Defaults keep theirs.
    signature = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(thing)))
    parts = [f"## edgekit.{name}", f"```python\n{name}{signature}\n```", summary(thing)]
    for head, title in (("Args:", "argument"), ("Attributes:", "attribute"), ("Raises:", "raises")):
        rows = [(f"`{names}`", plain(words)) for names, words in sections(doc, head)]
        if rows:
            parts.append(table((title, "meaning"), rows))
    return "\n\n".join(parts)
