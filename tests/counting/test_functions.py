from __future__ import annotations

from pathlib import Path

from edgekit.counting.functions import KEPT, REST, by_function, readable
from edgekit.types.answers import Code


def test_cpp_names_are_read_and_others_stay() -> None:
    assert readable("xnn_f32_gemm_ukernel_4x8__asm") == "xnn_f32_gemm_ukernel_4x8__asm"
    assert readable("_ZN6tflite8Subgraph6InvokeEv") == "tflite::Subgraph::Invoke"
    assert readable("_ZNK4absl6StatusE") == "absl::Status"
    assert readable("_ZN99short") == "_ZN99short"


def test_blocks_without_symbols_are_given_by_library_and_small_ones_as_one() -> None:
    code = [Code(begin=0x1000, end=0x2000, offset=0, path="/lib/libort.so")]
    found = by_function({0x1000: 70, 0x1100: 5, 0x9000: 25}, code, Path("nowhere"))
    assert [(one.library, one.label, one.instructions) for one in found] == [
        ("libort.so", "libort.so (no symbols)", 75),
        ("", "code made at run time", 25),
    ]
    many = [Code(begin=n, end=n + 1, offset=0, path=f"/lib/{n}.so") for n in range(KEPT + 5)]
    found = by_function({n: 10 + n for n in range(KEPT + 5)}, many, Path("nowhere"))
    assert found[0].instructions == 10 + KEPT + 4
    assert (found[-1].name, found[-1].instructions, len(found)) == (REST, sum(range(10, 15)), KEPT + 1)
