import pytest

from edgekit.reports.page.operators import NAMES, by_type, family, segments, slowest, stack
from edgekit.reports.summary import summarise
from edgekit.types import OpTime


def op(kind, ns=1, name="x"):
    return OpTime(name=name, type=kind, ns=ns)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        # As ONNX Runtime, LiteRT with XNNPACK and OpenVINO name them.
        ("QLinearConv", "convolution"),
        ("Convolution (NHWC, QC8) IGEMM", "convolution"),
        ("Convolution (NHWC, F32) DWConv", "depthwise"),
        ("DEPTHWISE_CONV_2D", "depthwise"),
        ("GroupConvolution", "depthwise"),
        ("QGemm", "dense"),
        ("Fully Connected (NC, QS8, QC8W) GEMM", "dense"),
        ("FullyConnected", "dense"),
        ("NhwcMaxPool", "pooling"),
        ("Mean (ND) Reduce2", "pooling"),
        ("ReduceMean", "pooling"),
        ("ReorderOutput", "layout"),
        ("QLinearConcat", "layout"),
        ("PADV2", "layout"),
        ("VariadicSplit", "layout"),
        ("Copy (NC, X32)", "layout"),
        ("DequantizeLinear", "quantization"),
        ("Convert (NC)", "quantization"),
        ("Subgraph", "element-wise"),
        ("HardSwish", "element-wise"),
        ("Multiply (ND, QS8)", "element-wise"),
        ("Add", "element-wise"),
        ("Something", "other"),
    ],
)
def test_families(kind, expected):
    assert family(op(kind)) == expected


def test_segments_sum_to_the_whole():
    found = segments([op("Conv", 70), op("Conv", 10), op("Add", 20)])
    assert [(s.family, s.ns, s.count) for s in found] == [("convolution", 80, 2), ("element-wise", 20, 1)]
    assert sum(s.share for s in found) == pytest.approx(1)
    assert [s.family for s in segments([op(kind) for kind in ("Zzz", "Conv")])] == ["convolution", "other"]
    assert "other" in NAMES


def test_the_slowest_come_first_and_times_of_zero_divide_nothing():
    assert slowest([op("a", 1), op("b", 3)])[0] == (op("b", 3), "75.0%")
    assert slowest([op("a", 0)]) == [(op("a", 0), "0.0%")]
    assert by_type([op("a", 1), op("b", 3), op("a", 4)]) == [("a", 2, 5, "62.5%"), ("b", 1, 3, "37.5%")]
    assert segments([op("a", 0)])[0].share == 0


def test_the_bar_is_the_whole(make):
    drawn = stack(summarise([make()], {})[0].rows[0])
    assert 'width="90.00%"' in drawn
    assert 'width="10.00%"' in drawn
    assert "1.00 ms: convolution 90%, dense 10%" in drawn
