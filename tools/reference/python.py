"""docs/reference/python.md: what ``edgekit.__all__`` names."""

from __future__ import annotations

import inspect
import re

import edgekit

from .text import page, plain, sections, summary, table

INTRODUCTION = """What `import edgekit` gives is the whole Python interface; all other modules may change with any
version. `import edgekit` loads no framework: PyTorch is imported when a network is built or exported (install
the extra `export`); the rest needs the extra `run`."""
EXAMPLES = (
    (
        "A network of the zoo, with weights of your own or random ones:",
        """import edgekit

network = edgekit.build("squeezenet_1.1", num_classes=10)  # an nn.Module; weights="best.pth" loads yours""",
    ),
    (
        "Any network, from memory to verified files, float and int8:",
        """import numpy as np
import torch

network = torch.nn.Sequential(
    torch.nn.Conv2d(3, 16, 3, stride=2),
    torch.nn.ReLU(),
    torch.nn.Conv2d(16, 8, 3),
    torch.nn.Flatten(1),
    torch.nn.Linear(8 * 13 * 13, 4),
).eval()
random = np.random.default_rng(0)
examples = [(random.normal(0, scale, (1, 3, 32, 32)).astype(np.float32),) for scale in np.linspace(0.2, 2, 16)]
(exact,) = edgekit.export(network, (torch.rand(1, 3, 32, 32),), formats=["onnx"], calibration=examples, name="mine")
(small,) = edgekit.export(
    network, (torch.rand(1, 3, 32, 32),), formats=["onnx"], int8=True, calibration=examples, name="mine"
)
print(small.folder, small.artifact.size_bytes, small.artifact.parity.sqnr_db)""",
    ),
    (
        "Load one and run it in your program; `load` takes any model file, too:",
        """model = edgekit.load(small)
scores = model.run(examples[0][0])[model.outputs[0].name]  # real numbers, by the names of inputs and outputs
print(scores.shape, model.artifact.runtime)""",
    ),
    (
        "Compare outputs with those of another file, on data of your own:",
        """np.savez("inputs.npz", **{"0": np.stack([row[0] for row in examples])})
found = edgekit.verify_file(small, against=exact, data="inputs.npz")
print(found.passed, [one.parity.sqnr_db for one in found.outputs])""",
    ),
    (
        "Measure on a device:",
        """(measurement,) = edgekit.profile(small, device="local", per_op=True, streams=[1, 2])
print(measurement.p50_ms, measurement.verdict.name, [one.per_s for one in measurement.throughput])""",
    ),
    (
        "One against the other, in pairs:",
        """comparison = edgekit.compare(exact, small, pairs=5)
print(comparison.ratio.ratio, comparison.ratio.low, comparison.ratio.high, comparison.word)""",
    ),
    (
        "And a gate, which says `PASS`, `FAIL` or why it cannot tell:",
        """result = edgekit.run_gate(small, baseline=exact, tolerance=0.5)
print(result.status, result.reason)""",
    ),
)
"""One story; a test runs it."""


def python_page() -> str:
    """A section for each public name."""
    parts = [INTRODUCTION]
    for words, code in EXAMPLES:
        parts += [words, f"```python\n{code}\n```"]
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
