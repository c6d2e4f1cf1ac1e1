"""What the pages say, in text: measurements grouped by device, one row of strings each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..types import DeviceState, Evaluation, Measurement, ModelCard, Summary
from .table import UNVERIFIED, interval, megabytes, milliseconds, parity

WEIGHTS = {
    "random": "random (seeded): latency is valid, accuracy is not claimed",
    "file": "from a checkpoint file",
    "pretrained": "published checkpoint",
}
LONGEST = 2000
"""Characters of one condition."""
NO_EVALUATIONS: Mapping[tuple[str, str], Evaluation] = {}
PUBLISHED = "published for the float network, not measured here"


@dataclass(frozen=True)
class Row:
    """One measurement as text.

    Attributes:
        number: from 1, over the whole report; plots and details refer to it.
        accuracy: published ImageNet top-1 of the float network, percent, or None; ``accuracy_source`` says whose.
        conditions: name and value of everything that bears on the latency.
        evaluation: what ``edgekit evaluate`` found of this very artifact; None where nobody evaluated it.
    """

    number: int
    measurement: Measurement
    accuracy: float | None
    accuracy_source: str
    conditions: tuple[tuple[str, str], ...]
    evaluation: Evaluation | None = None

    @property
    def label(self) -> str:
        """Model and precision, short enough to stand beside a point."""
        return f"{self.measurement.model} {self.measurement.precision}"

    @property
    def cells(self) -> dict[str, str]:
        """The row of the table, by column."""
        m = self.measurement
        return {
            "#": str(self.number),
            "model": m.model,
            "format": m.format,
            "precision": m.precision if m.io == "float32" else f"{m.precision}, {m.io} I/O",
            "size": megabytes(m.artifact_bytes),
            "threads": str(m.threads),
            "p50 ms": milliseconds(m.p50_ms),
            "p90 ms": milliseconds(m.p90_ms, like=m.p50_ms),
            "p99 ms": milliseconds(m.p99_ms, like=m.p50_ms),
            "95 % of p50": interval(m),
            "n": str(len(m.samples_ns)),
            "peak memory": "-" if m.peak_rss_bytes is None else megabytes(m.peak_rss_bytes),
            "parity": parity(m),
            "top-1": "-" if self.evaluation is None else measured_top1(self.evaluation),
            "weights": m.weights_kind,
            "verdict": m.verdict.name,
        }


@dataclass(frozen=True)
class Group:
    """The measurements of one device. ``emulated`` ones are shown apart and never compared."""

    device: str
    machine: str
    emulated: bool
    rows: tuple[Row, ...]


def summarise(
    measurements: Sequence[Measurement],
    cards: Mapping[str, ModelCard],
    numbers: Sequence[int] | None = None,
    evaluations: Mapping[tuple[str, str], Evaluation] = NO_EVALUATIONS,
) -> tuple[Group, ...]:
    """Groups in the order of the devices' names, emulated ones last; rows by ascending median latency.

    Args:
        measurements: what is shown.
        cards: the networks, by id.
        numbers: of the measurements, in a report that has more of them; None counts these.
        evaluations: what is known of the accuracy, by the digests of the artifact and of its weights.
    """
    ordered = sorted(
        zip(measurements, numbers or [0] * len(measurements), strict=True),
        key=lambda pair: (pair[0].emulated, pair[0].device.id, pair[0].p50_ms, pair[0].key),
    )
    groups: dict[tuple[str, bool], list[Row]] = {}
    for place, (m, number) in enumerate(ordered, 1):
        accuracy, source = published_top1(cards.get(m.model), m)
        evaluation = evaluations.get((m.artifact_sha256, m.weights_sha256))
        row = Row(number or place, m, accuracy, source, conditions(m, evaluation), evaluation)
        groups.setdefault((m.device.id, m.emulated), []).append(row)
    return tuple(
        Group(device, f"{info.cpu}, {info.cores} cores, {info.system}", emulated, tuple(rows))
        for (device, emulated), rows in groups.items()
        for info in [rows[0].measurement.info]
    )


def published_top1(card: ModelCard | None, m: Measurement | Summary) -> tuple[float | None, str]:
    """The published top-1 of what was measured, percent, and its source; None and an empty string when there is none.

    Of a checkpoint it is the figure of that very file. Random weights stand for the network as it was published. A
    network of other classes, or of a user's own weights, has no published accuracy: ``edgekit evaluate`` measures it.
    """
    if card is None or m.classes not in (None, card.num_classes):
        return None, ""
    if m.weights_sha256 and m.weights_kind != "random":
        known = [w for w in card.weights if w.sha256 and m.weights_sha256.startswith(w.sha256)]
        return next(((w.top1, w.name) for w in known if w.top1 is not None), (None, ""))
    if m.weights_kind == "file":
        return None, ""
    for entry in card.published:
        return entry.top1, entry.source
    for weights in card.weights:
        if weights.top1 is not None:
            return weights.top1, weights.name
    return None, ""


def measured_top1(found: Evaluation) -> str:
    """Top-1 of the artifact and what it loses: ``90.31 % (-0.12)``; a dash without labels."""
    if found.top1 is None:
        return "-"
    lost = "" if found.drop is None else f" ({-100 * found.drop.drop:+.2f})"
    return f"{100 * found.top1.share:.2f} %{lost}"


def accuracy_in_full(found: Evaluation | None) -> str:
    """Top-1 with its interval, on which images, and the drop against the reference."""
    if found is None or found.top1 is None:
        return ""
    top1 = found.top1
    where = "" if found.device is None else f", run on {found.device}"
    between = f"95 %: {100 * top1.low:.2f} to {100 * top1.high:.2f}"
    parts = [f"top-1 {100 * top1.share:.2f} % ({between}) on {found.images} images of {found.data}{where}"]
    if found.drop is not None and found.reference is not None:
        name = found.reference.model if found.reference.kind == "network" else found.reference.name
        parts.append(f"lost against {name}: {found.drop_text}")
    return "; ".join(parts)


def conditions(m: Measurement, evaluation: Evaluation | None = None) -> tuple[tuple[str, str], ...]:
    """Everything that bears on the latency, and the accuracy; readings that the device does not offer are left out."""
    before, after = m.state_before, m.state_after
    pairs = [
        ("device", f"{m.device.id} ({m.device.transport}{', emulated' if m.info.emulated else ''})"),
        ("board", m.device.board or ""),
        ("CPU", f"{m.info.cpu}, {m.info.cores} cores, {m.info.machine}"),
        ("instruction set", ", ".join(m.info.isa)),
        ("memory", f"{m.info.memory_bytes / 1e9:.1f} GB" if m.info.memory_bytes else ""),
        ("system", f"{m.info.system}, Python {m.info.python}"),
        ("runtime", f"{m.runtime} {m.runtime_version}, accelerator {m.accelerator}"),
        ("settings", ", ".join(f"{key}={value}" for key, value in m.settings.items())),
        ("threads, batch", f"{m.threads}, {m.batch}"),
        ("pinned to cores", "" if m.pinned is None else f"{', '.join(map(str, m.pinned.cpus))} ({m.pinned.asked})"),
        ("governor", change(values(before.governor), values(after.governor))),
        ("clock", change(clock(before), clock(after))),
        ("temperature", change(temperature(before), temperature(after))),
        ("load average, 1 min", change(load(before), load(after))),
        ("throttling flags", change(flags(before), flags(after))),
        ("inferences", f"{len(m.samples_ns)} measured after {len(m.warmup_ns)} of warm-up"),
        ("rounds", rounds(m)),
        (
            "cold start",
            f"load {milliseconds(m.load_ns / 1e6)} ms, first inference {milliseconds(m.first_inference_ns / 1e6)} ms",
        ),
        ("peak memory", peak_memory(m)),
        ("energy of one inference", energy(m)),
        ("weights", WEIGHTS[m.weights_kind]),
        ("preprocessing", m.preprocessing_origin),
        ("parity", parity_in_full(m)),
        ("parity on the device", device_parity(m)),
        ("accuracy", accuracy_in_full(evaluation)),
        ("delegate", delegate(m)),
        ("network", network(m)),
        ("profile", m.profile),
        ("artifact", f"sha256 {m.artifact_sha256}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in sorted(m.versions.items()))),
        ("measured at", m.measured_at),
        ("exported by", m.export_command),
        ("operator times", m.per_op_note),
    ]
    return tuple((name, shortened(value)) for name, value in pairs if value)


def shortened(value: str) -> str:
    """A condition, at a length that a page can hold."""
    return value if len(value) <= LONGEST else f"{value[:LONGEST]}… ({len(value)} characters)"


def parity_in_full(m: Measurement) -> str:
    """How near the artifact was to its network when it was exported."""
    if m.parity_cosine is None:
        return f"{UNVERIFIED}: edgekit did not export this file"
    agree = f"{m.parity_top1_agree} of {m.parity_images}"
    top1 = "" if m.weights_kind == "random" else f", same top-1 on {agree} images"
    return f"cosine {m.parity_cosine:.6f}, SQNR {m.parity_sqnr_db:.1f} dB over {m.parity_images} images{top1}"


def network(m: Measurement) -> str:
    """Size of the network, where it was counted."""
    said = []
    if m.params is not None:
        said.append(f"{m.params / 1e6:.2f} M parameters")
    if m.macs is not None:
        said.append(f"{m.macs / 1e6:.0f} M MACs (1 MAC = 2 FLOPs)")
    return ", ".join(said)


def rounds(m: Measurement) -> str:
    """The median of each of several launches."""
    medians = ", ".join(milliseconds(value, like=m.p50_ms) for value in m.round_medians_ms)
    return f"{len(m.rounds)} launches in turn with the others, medians {medians} ms" if m.rounds else ""


def energy(m: Measurement) -> str:
    """Millijoules of one inference by domain, the power meanwhile and at rest; why not, where counters are closed."""
    parts = [
        f"{d.domain} {milliseconds(m.millijoules(d))} mJ ({d.watts:.1f} W over {d.window_s:.1f} s, "
        f"{'' if d.updates is None else f'{d.updates} new readings of the gauge, '}"
        f"{'at rest unknown' if d.idle_w is None else f'{d.idle_w:.1f} W at rest'}, not subtracted)"
        for d in m.energy or ()
    ]
    return "; ".join(parts) or m.energy_note


def device_parity(m: Measurement) -> str:
    """What the device's own output for the check image came to."""
    if m.device_cosine is None:
        return ""
    worst = "" if m.device_max_abs is None else f", largest difference {m.device_max_abs:.3g}"
    return f"cosine {m.device_cosine:.6f}{worst} against the float reference on the check image"


def delegate(m: Measurement) -> str:
    """What the delegate takes, in how many partitions, and what stays outside."""
    if m.delegation is None:
        return ""
    d = m.delegation
    types = ", ".join(f"{count} {name}" for name, count in sorted(d.undelegated.items()))
    left = "; ".join(d.reasons) or types
    parts = "" if d.partitions is None else f" in {d.partitions} partition{'' if d.partitions == 1 else 's'}"
    share = f"{d.share:.0%}" if d.share == 1 or m.accelerator == "cpu" else f"{d.share:.1%}"
    known = "at export" if m.accelerator == "cpu" else "on the device"
    return f"{d.name} takes {share} of the operators{parts}{f'; left: {left}' if left else ''} ({known})"


def acceleration(m: Measurement) -> str:
    """What an accelerator takes, what it is, and the precision it computes in; empty for the CPU."""
    if m.accelerator == "cpu":
        return ""
    known = (m.settings.get("adapter"), m.settings.get(f"{m.accelerator}_precision"))
    return ", ".join(str(word) for word in (delegate(m), *known) if word)


def change(before: str, after: str) -> str:
    """One reading, or both when it changed during the measurement."""
    return before if before == after else f"{before or 'unknown'} before, {after or 'unknown'} after"


def values(found: Mapping[str, str] | None) -> str:
    """The distinct values of a per-CPU reading."""
    return ", ".join(sorted(set(found.values()))) if found else ""


def clock(state: DeviceState) -> str:
    """Lowest to highest clock, and the highest limit, in MHz."""
    if not state.clock_khz:
        return ""
    low, high = min(state.clock_khz.values()) / 1000, max(state.clock_khz.values()) / 1000
    span = f"{high:.0f} MHz" if round(low) == round(high) else f"{low:.0f}-{high:.0f} MHz"
    limit = f" (limit {max(state.max_clock_khz.values()) / 1000:.0f} MHz)" if state.max_clock_khz else ""
    return span + limit


def temperature(state: DeviceState) -> str:
    """The hottest sensor."""
    return f"{max(state.temperature_c.values()):.0f} °C" if state.temperature_c else ""


def load(state: DeviceState) -> str:
    """The load average."""
    return "" if state.load_1m is None else f"{state.load_1m:.2f}"


def flags(state: DeviceState) -> str:
    """The throttling flags; ``none`` when the device offers them and none is set."""
    return "" if state.throttled is None else ", ".join(state.throttled) or "none"


def peak_memory(m: Measurement) -> str:
    """Peak resident memory of the whole process, and of it what was there before the model."""
    if m.peak_rss_bytes is None:
        return ""
    base = "" if m.baseline_rss_bytes is None else f", {megabytes(m.baseline_rss_bytes)} before the model was loaded"
    return f"{megabytes(m.peak_rss_bytes)} of the whole process{base}"
