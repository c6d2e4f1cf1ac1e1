"""What readers ask next: in the report's own names, so that the command can be copied."""

import shlex

import pytest
import typer

from edgekit.cli import app
from edgekit.devices.virtual.simulated import SIMULATED
from edgekit.reports.brief.asks import SIMULATED_AS, asks, outside, runtimes
from edgekit.reports.brief.headline import headline
from edgekit.reports.summary import summarise
from edgekit.types import Delegation, Device, Throughput, Verdict

HERE, PHONE = Device(id="local", transport="local"), Device(id="pixel", transport="adb", address="SERIAL")
BOARD = Device(id="rpi4", transport="ssh", address="board")
NOISY = Verdict(name="noisy", reasons=("p90 is 1.40 times the median",))


def steady(make, ms, **changes):
    return make(samples_ns=(round(ms * 1e6),) * 60, **changes)


def of(*measurements):
    """The commands about the first device, by question."""
    return {one.question: one.commands for one in asks(summarise(measurements, {})[0])}


NETWORK, LITERT = "mobilenet_v3_large_1.0", "ai-edge-litert"
FIVE = {
    "an embedded engineer": (
        BOARD,
        {
            "which one fits my limits?": ("edgekit pick --device rpi4 --max-latency-ms MS --max-size-mb MB",),
            "does it stay this fast when it is warm?": (
                "edgekit profile artifacts/mobilenet_v3_large_1.0/tflite-int8 --device rpi4 --sustained 10m",
            ),
        },
    ),
    "an Android engineer": (
        PHONE,
        {
            "does the GPU take all of it?": (
                "edgekit profile mobilenet_v3_large_1.0 --device pixel --accelerator gpu --require-full-delegation",
            ),
            "does it stay this fast when it is warm?": (
                "edgekit profile artifacts/mobilenet_v3_large_1.0/tflite-int8 --device pixel --sustained 10m",
            ),
        },
    ),
    "an integrator of Intel boxes": (
        HERE,
        {
            "which runtime for it, and what else does it cost?": ("edgekit compare mobilenet_v3_large_1.0",),
            "how many a second, several at once?": (
                "edgekit profile artifacts/mobilenet_v3_large_1.0/tflite-int8 --streams 1,2,4",
            ),
        },
    ),
    "the owner of a CI": (
        BOARD,
        {
            "will a change make it slower?": (
                "edgekit gate --update mobilenet_v3_large_1.0 --device rpi4",
                "edgekit gate mobilenet_v3_large_1.0 --device rpi4",
            ),
            "may I upgrade the runtime?": (
                f"edgekit gate {NETWORK} --device rpi4 --runtime-a {LITERT}==1.2.3 --runtime-b {LITERT}==NEW",
            ),
            "is this figure right?": ("edgekit audit-run rpi4/mobilenet_v3_large_1.0__tflite-int8__litert-cpu-t1",),
        },
    ),
    "a researcher with a checkpoint": (
        HERE,
        {
            "what does it lose in accuracy?": (
                "edgekit evaluate artifacts/mobilenet_v3_large_1.0/tflite-int8 --data DATA --against float",
            ),
            "what in its shape costs time?": ("edgekit lint mobilenet_v3_large_1.0 --device local",),
        },
    ),
}
"""Five people, the device of each, and what each asks."""


@pytest.mark.parametrize("person", FIVE)
def test_each_of_five_people_finds_a_command_that_answers(make, person):
    device, answers = FIVE[person]
    found = of(steady(make, 3).model_copy(update={"device": device}))
    assert {question: found.get(question) for question in answers} == answers


def test_every_command_is_one_of_the_programs_with_options_that_it_has(make):
    known = typer.main.get_command(app)
    for device in (HERE, BOARD, PHONE):
        found = of(steady(make, 3).model_copy(update={"device": device, "per_op": None}))
        assert len(found) >= 7
        for command in (command for commands in found.values() for command in commands):
            program, verb, *words = shlex.split(command)
            assert program == "edgekit"
            options = {name for option in known.commands[verb].params for name in option.opts}
            assert {word for word in words if word.startswith("--")} <= options, command


def test_they_name_the_fastest_that_is_stable(make):
    ms = [steady(make, 3, verdict=NOISY), steady(make, 4, format_="onnx", precision="fp32")]
    (accuracy,) = of(*ms)["what does it lose in accuracy?"]
    assert accuracy == "edgekit evaluate artifacts/mobilenet_v3_large_1.0/onnx-fp32 --data DATA --against float"


@pytest.mark.parametrize(
    ("made_by", "ending"),
    [
        ("", " --against float --weights FILE"),
        ("edgekit export mobilenet_v3 --weights 'my best.pt' --profile tflite-int8", " --weights 'my best.pt'"),
        ("edgekit export net.py:build --input 1x3x64x64 --profile tflite-int8", " --against float"),
        ("rm --weights x; edgekit export", " --against float --weights FILE"),
    ],
)
def test_weights_of_a_file_are_named_as_the_export_named_them(make, made_by, ending):
    (command,) = of(steady(make, 3, weights_kind="file", export_command=made_by))["what does it lose in accuracy?"]
    assert command.endswith(ending)


def test_lint_takes_a_network_of_own_code_by_its_code_and_inputs(make):
    made_by = "edgekit export net.py:build --input a=1x3x64x64 --input b=1x4 --profile tflite-int8"
    (command,) = of(steady(make, 3, weights_kind="file", export_command=made_by))["what in its shape costs time?"]
    assert command == "edgekit lint net.py:build --input a=1x3x64x64 --input b=1x4 --device local"


def test_of_files_of_others_only_that_is_asked_which_needs_no_path(make):
    found = of(steady(make, 3, parity_cosine=None))
    assert list(found) == ["which one fits my limits?", "is this figure right?"]
    both = of(steady(make, 3, parity_cosine=None), steady(make, 4, format_="onnx"))
    assert "onnx-int8" in both["what does it lose in accuracy?"][0]


def test_what_was_measured_already_is_not_asked_again(make):
    streams = "how many a second, several at once?"
    assert streams in of(steady(make, 3))
    done = (Throughput(streams=2, threads=1, cpus=4, window_s=3.0, counts=(9, 9), busy_p50_ns=1, busy_p90_ns=1),)
    assert streams not in of(steady(make, 3, throughput=done))
    bare = of(steady(make, 3, per_op=None))
    assert "what in its shape costs time?" not in bare
    assert bare["where does the time go?"] == (
        "edgekit profile mobilenet_v3_large_1.0 --per-op",
        "edgekit lint mobilenet_v3_large_1.0 --device local",
    )


def test_of_an_emulated_board_is_asked_what_the_board_itself_would_take(make):
    emulated = make(emulated=True)
    assert asks(summarise([emulated], {})[0]) == []
    board = Device(id="virtual-rpi4", transport="virtual", board="rpi4")
    assert of(emulated.model_copy(update={"device": board})) == {
        "how long would the board take?": (f"edgekit profile artifacts/{NETWORK}/tflite-int8 --device sim-rpi4",),
    }
    assert {SIMULATED[name].board: name for name in SIMULATED if SIMULATED[name].board} == SIMULATED_AS


def test_what_left_the_delegate_is_in_the_headline(make):
    gone = Delegation(name="XNNPACK", share=0.9, partitions=3, undelegated={"PADV2": 2, "SUM": 1})
    whole = Delegation(name="XNNPACK", share=1.0, partitions=1, undelegated={})
    (group,) = summarise([steady(make, 3, delegation=gone), steady(make, 4, delegation=whole)], {})
    said, rows = outside(group.rows)
    assert said == "1 of 2 artifacts run partly outside their delegate: PADV2, SUM"
    assert [row.number for row in rows] == [1]
    assert [line.label for line in headline(group) if line.warns] == ["delegate"]
    assert outside(group.rows[1:]) == ("", ())


def test_which_runtime_wins_where_several_were_measured_alike(make):
    ms = [
        steady(make, 3, precision="fp32"),
        steady(make, 4, precision="fp32", format_="onnx"),
        steady(make, 2, precision="int8", format_="onnx"),
        steady(make, 1, precision="int8", verdict=NOISY),
    ]
    (group,) = summarise(ms, {})
    assert runtimes(group.rows) == "of 1 network and precision under several, fastest is litert in 1"
    (group,) = summarise([*ms, steady(make, 1.5, precision="int8")], {})
    assert runtimes(group.rows) == "of 2 networks and precisions under several, fastest is litert in 2"
    (group,) = summarise(ms[2:], {})
    assert runtimes(group.rows) == ""
