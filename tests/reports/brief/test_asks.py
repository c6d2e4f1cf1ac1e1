"""What readers ask next: in the report's own names, so that the command can be copied."""

import shlex

import typer

from edgekit.cli import app
from edgekit.reports.brief.asks import asks, outside, runtimes
from edgekit.reports.brief.headline import headline
from edgekit.reports.summary import summarise
from edgekit.types import Delegation, Device, Verdict

HERE, PHONE = Device(id="local", transport="local"), Device(id="pixel", transport="adb", address="SERIAL")
NOISY = Verdict(name="noisy", reasons=("p90 is 1.40 times the median",))


def steady(make, ms, **changes):
    return make(samples_ns=(round(ms * 1e6),) * 60, **changes)


def test_every_command_is_one_of_the_programs_with_options_that_it_has(make):
    known = typer.main.get_command(app)
    for device in (HERE, PHONE):
        found = asks(summarise([steady(make, 3).model_copy(update={"device": device, "per_op": None})], {}))
        assert len(found) == 6
        for one in found:
            for command in one.command.split(", then "):
                program, verb, *words = shlex.split(command)
                assert program == "edgekit"
                options = {name for option in known.commands[verb].params for name in option.opts}
                assert {word for word in words if word.startswith("--")} <= options, command


def test_they_name_the_fastest_that_is_stable(make):
    ms = [steady(make, 3, verdict=NOISY), steady(make, 4, format_="onnx", precision="fp32")]
    commands = {one.question: one.command for one in asks(summarise(ms, {}))}
    accuracy = commands["what does it lose in accuracy?"]
    assert accuracy == "edgekit evaluate artifacts/mobilenet_v3_large_1.0/onnx-fp32 --data DATA --against float"
    assert asks(()) == []
    trained = [one.command for one in asks(summarise([steady(make, 3, weights_kind="file")], {}))]
    assert any(command.endswith("--against float --weights FILE") for command in trained)


def test_a_phone_asks_about_its_gpu(make):
    questions = [one.question for one in asks(summarise([steady(make, 3).model_copy(update={"device": PHONE})], {}))]
    assert "does the GPU take all of it?" in questions
    assert "may I upgrade the runtime?" not in questions


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
