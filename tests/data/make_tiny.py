"""Make the artifact folders of ``artifacts/tiny`` again: ``python make_tiny.py`` with the export extra installed.

One network, input (3, 8, 8), output 5 classes: conv, hard-swish, conv, global mean, linear. In int8 the XNNPACK
delegate leaves the hard-swish alone, so that the file has two partitions. The manifests are true about the files;
what they say about parity and audit is made up.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgekit.base.files import sha256_file
from edgekit.types import (
    Artifact,
    Audit,
    FileEntry,
    ImageSet,
    Parity,
    ParityTolerance,
    QuantParams,
    TensorSpec,
    WeightsProvenance,
)

TINY = Path(__file__).parent / "artifacts" / "tiny"


def folder(profile: str) -> Path:
    (TINY / profile).mkdir(parents=True, exist_ok=True)
    return TINY / profile


def make_models() -> None:
    import litert_torch
    import onnx
    import openvino
    import torch
    from litert_quantizer import quantizer, recipe
    from torch import nn

    class Tiny(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.act = nn.Conv2d(3, 8, 3, padding=1), nn.Hardswish()
            self.second, self.head = nn.Conv2d(8, 8, 3, stride=2, padding=1), nn.Linear(8, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.second(self.act(self.first(x))).mean((2, 3)))

    torch.manual_seed(0)
    network, example = Tiny().eval(), torch.rand(1, 3, 8, 8)
    onnx_file, xml_file = folder("onnx-fp32") / "model.onnx", folder("openvino-fp32") / "model.xml"
    torch.onnx.export(network, (example,), onnx_file, dynamo=False, input_names=["image"], output_names=["logits"])
    model = onnx.load(onnx_file)
    for node in model.graph.node:
        node.doc_string = ""
    onnx.save(model, onnx_file)
    openvino.save_model(openvino.convert_model(onnx_file), xml_file, compress_to_fp16=False)

    tflite_file = folder("tflite-fp32") / "model.tflite"
    last = litert_torch.to_channel_last_io(network, args=[0])
    litert_torch.convert(last, (example.permute(0, 2, 3, 1).contiguous(),)).export(str(tflite_file))
    images = [torch.rand(1, 8, 8, 3).numpy().astype(np.float32) for _ in range(4)]
    maker = quantizer.Quantizer(str(tflite_file), recipe.static_wi8_ai8())
    seen = maker.calibrate({"serving_default": [{"args_0": image} for image in images]})
    (folder("tflite-int8") / "model.tflite").write_bytes(maker.quantize(seen).quantized_model)


def write_manifest(profile: str, inputs: TensorSpec, outputs: TensorSpec) -> None:
    format_, _, precision = profile.partition("-")
    files = sorted(
        (p for p in folder(profile).iterdir() if p.name != "manifest.json"), key=lambda p: p.suffix == ".bin"
    )
    images = ImageSet(kind="synthetic", source="noise", count=4, sha256="0" * 64)
    artifact = Artifact(
        model="tiny",
        profile=profile,
        format=format_,
        precision=precision,
        io=inputs.dtype,
        target="x86-avx2",
        created="2026-01-01T00:00:00+00:00",
        files=tuple(FileEntry(name=p.name, size_bytes=p.stat().st_size, sha256=sha256_file(p)) for p in files),
        inputs=(inputs,),
        outputs=(outputs,),
        params=853,
        macs=23080,
        weights=WeightsProvenance(kind="random", source="seed 0", sha256="0" * 64, layout="edgekit", seed=0),
        calibration=images if precision == "int8" else None,
        quantization={"scheme": "full-integer"} if precision == "int8" else None,
        rewrites=(),
        parity=Parity(
            images=4,
            cosine_min=0.9991 if precision == "int8" else 1.0,
            sqnr_db=31.2 if precision == "int8" else 130.0,
            max_abs=0.01,
            reference_max_abs=1.0,
            top1_agree=4,
            tolerance=ParityTolerance(min_cosine=0.99, min_sqnr_db=10, max_abs_error=0.1, min_top1_agreement=0.9),
            judged=("cosine",),
        ),
        parity_data=images,
        audit=Audit(
            ops={"CONV_2D": 2},
            executed={"CONV_2D": 2},
            int8_compute_ops=3 if precision == "int8" else 0,
            float_compute_ops=0 if precision == "int8" else 3,
            int8_weight_bytes=832 if precision == "int8" else 0,
            float_weight_bytes=0 if precision == "int8" else 3412,
            transposes=0,
            quantize_ops=0,
            dequantize_ops=0,
            max_rank=4,
        ),
        tool_versions={},
        command="python make_tiny.py",
        convert_seconds=1.0,
    )
    (folder(profile) / "manifest.json").write_text(artifact.model_dump_json(indent=1) + "\n")


def main() -> None:
    make_models()
    nchw, nhwc = (1, 3, 8, 8), (1, 8, 8, 3)

    def logits(name: str, dtype: str = "float32", quantization: QuantParams | None = None) -> TensorSpec:
        return TensorSpec(name=name, shape=(1, 5), layout="NC", dtype=dtype, quantization=quantization)

    for profile in ("onnx-fp32", "openvino-fp32"):
        image = TensorSpec(name="image", shape=nchw, layout="NCHW", dtype="float32")
        write_manifest(profile, image, logits("logits"))
    image = TensorSpec(name="args_0", shape=nhwc, layout="NHWC", dtype="float32")
    write_manifest("tflite-fp32", image, logits("output_0"))
    image = TensorSpec(
        name="args_0",
        shape=nhwc,
        layout="NHWC",
        dtype="int8",
        quantization=QuantParams(scale=0.003888146486133337, zero_point=-128),
    )
    write_manifest(
        "tflite-int8", image, logits("output_0", "int8", QuantParams(scale=0.0015839801635593176, zero_point=-16))
    )


if __name__ == "__main__":
    main()
