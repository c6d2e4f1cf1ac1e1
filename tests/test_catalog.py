"""Cards and profiles: what is shipped loads, what is wrong is named, the most specific folder wins."""

from __future__ import annotations

import json
import re
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgekit.base.absent import is_absent_file
from edgekit.catalog import (
    MODELS,
    PROFILES,
    builtin_folder,
    cards,
    find_card,
    find_profile,
    folders,
    load_toml,
    profile_for,
    profiles,
)
from edgekit.errors import UsageError
from edgekit.types import RUNTIME_OF, ExportProfile, ModelCard

CARD_FILES = sorted(builtin_folder(MODELS).glob("*.toml"))
PROFILE_FILES = sorted(builtin_folder(PROFILES).glob("*.toml"))
CARD = (builtin_folder(MODELS) / "squeezenet_1.1.toml").read_text()
PROFILE = (builtin_folder(PROFILES) / "onnx-int8.toml").read_text()


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch) -> Path:
    """An empty project folder, and a user folder that only the test writes."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return folder


@pytest.fixture
def user(tmp_path) -> Path:
    return tmp_path / "config" / "edgekit"


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def renamed(text: str, name: str, key: str = "id", **more: str) -> str:
    """A card's or profile's text under another name, without aliases."""
    text = re.sub(rf'^{key} = ".*"$', f'{key} = "{name}"', text, flags=re.MULTILINE)
    text = re.sub(r"^aliases = .*$", "", text, flags=re.MULTILINE)
    for field, value in more.items():
        text = re.sub(rf"^{field} = .*$", f"{field} = {value}", text, flags=re.MULTILINE)
    return text


# What is shipped


@pytest.mark.parametrize("path", CARD_FILES, ids=lambda p: p.stem)
def test_card_loads_and_is_named_as_its_file(path):
    card = load_toml(path, ModelCard)
    assert card.id == path.stem == card.id.lower()
    assert card.id.startswith(card.family)
    assert card.preprocessing.crop == card.input_shape[1] == card.input_shape[2]
    assert len(card.preprocessing.mean) == len(card.preprocessing.std) == card.input_shape[0]
    assert ModelCard.from_plain(json.loads(json.dumps(card.to_plain()))) == card


@pytest.mark.parametrize("path", PROFILE_FILES, ids=lambda p: p.stem)
def test_profile_loads_and_is_named_as_its_file(path):
    profile = load_toml(path, ExportProfile)
    assert profile.name == path.stem
    assert profile_for(profile.format, profile.precision) == profile
    assert path.read_text().startswith("# ")  # says what it is for


def test_every_format_has_every_precision():
    every = {f"{format_}-{precision}" for format_ in RUNTIME_OF for precision in ("fp32", "fp16", "int8")}
    assert set(profiles()) == every | {"onnx-dynamic", "tflite-dynamic", "openvino-weight-only"}
    assert set(cards()) == {path.stem for path in CARD_FILES}


@pytest.mark.parametrize(
    ("name", "id_"),
    [
        ("mobilenet_v3", "mobilenet_v3_large_1.0"),
        ("mobilenet_v2", "mobilenet_v2_1.0"),
        ("squeezenet", "squeezenet_1.1"),
        ("squeezenet1_1", "squeezenet_1.1"),
        ("MobileNet_V3", "mobilenet_v3_large_1.0"),
        ("shufflenet", "shufflenet_v1_g3_1.0"),
        ("mobilenet", "mobilenet_v1_1.0"),
    ],
)
def test_family_and_library_names_are_aliases(name, id_):
    assert find_card(name).id == id_


def test_each_alias_means_one_card():
    aliases = [alias for card in cards().values() for alias in card.aliases]
    assert len(aliases) == len(set(aliases))
    assert not set(aliases) & set(cards())
    assert all(find_card(alias).id == card.id for card in cards().values() for alias in card.aliases)


# What is wrong is named


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        (CARD.replace("num_classes", "num_clases"), "unknown key 'num_clases'", "num_classes"),
        (CARD.replace("crop =", "crup ="), "unknown key 'preprocessing.crup'", "crop"),
        (CARD + '\n[[weights]]\nname = "x"\nlicense = "MIT"\n', "unknown key 'weights.2.license'", "licence"),
        (
            CARD.replace("params = ", 'params = "many" # '),
            "params: Input should be a valid integer (value: 'many')",
            "",
        ),
        (CARD.replace("params = ", "params = 1.5 # "), "params: Input should be a valid integer (value: 1.5)", ""),
        (CARD.replace("num_classes = ", "# "), "the key 'num_classes' is missing", ""),
        *(
            (CARD.replace("num_classes = ", f"num_classes = {count} # "), "num_classes: Input should be", "")
            for count in (-1, 0, 10**12)
        ),
        (CARD.replace("macs = ", "macs = -1 # "), "macs: Input should be greater than or equal to 0", ""),
        (re.sub("mean = .*", "", CARD), "the key 'preprocessing.mean' is missing", ""),
        (CARD.replace("[3, 224, 224]", "[3, 224]"), "the key 'input_shape.2' is missing", ""),
        (
            CARD.replace('"RGB"', '"GBR"'),
            "preprocessing.channels: Input should be 'RGB', 'BGR' or 'L' (value: 'GBR')",
            "",
        ),
        (CARD + "\nid = ", "is not valid TOML", ""),
        (CARD.replace("id =", "id = 1\nid ="), "is not valid TOML", ""),
    ],
    ids=lambda value: None if "\n" in value else value[:30],
)
def test_wrong_card(project, text, said, hint):
    path = put(project / "card.toml", text)
    with pytest.raises(UsageError) as caught:
        find_card(str(path))
    assert str(path) in str(caught.value)
    assert said in str(caught.value)
    assert hint in caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('precision = "int8"', 'precision = "fp32"', 'a [quantization] table goes with precision = "int8"'),
        ('io = "float32"', 'io = "int8"\nbake_preprocess = true', 'contradicts io = "int8"'),
        ('io = "float32"', 'io = "int16"', "io: Input should be 'float32', 'int8' or 'uint8' (value: 'int16')"),
        ('target = "host"', 'target = "arm"', "target: Input should be 'x86-avx2'"),
        ("min_cosine =", "min_cosin =", "unknown key 'parity.min_cosin'"),
        ('weights = "per-channel"', 'weights = "per-row"', "quantization.weights: Input should be"),
    ],
)
def test_wrong_profile(project, old, new, said):
    assert old in PROFILE
    path = put(project / "profile.toml", PROFILE.replace(old, new))
    with pytest.raises(UsageError) as caught:
        find_profile(str(path))
    assert said in str(caught.value)


@pytest.mark.parametrize("bytes_", [b"\xff\xfe", b"id = '\x00'", b"id = " + b"[" * 100_000])
def test_file_that_is_no_text(project, bytes_):
    (project / "card.toml").write_bytes(bytes_)
    with pytest.raises(UsageError, match=r"card\.toml is not valid TOML"):
        find_card("card.toml")


@pytest.mark.parametrize(("name", "said"), [("none.toml", "No such file"), ("folder.toml", "Is a directory")])
@pytest.mark.parametrize("find", [find_card, find_profile])
def test_unreadable_file(project, name, said, find):
    (project / "folder.toml").mkdir()
    with pytest.raises(UsageError, match=f"cannot read {name}: {said}"):
        find(name)


@pytest.mark.parametrize(
    ("find", "name", "said", "hint"),
    [
        (find_card, "mobilnet_v3", "unknown model 'mobilnet_v3'", "mobilenet_v3"),
        (find_card, "squeeznet_1.1", "unknown model 'squeeznet_1.1'", "squeezenet_1.1"),
        (find_card, "resnet50", "unknown model 'resnet50'", "edgekit models list"),
        (find_profile, "onnx-int4", "unknown export profile 'onnx-int4'", "onnx-int8"),
        (find_profile, "zzz", "unknown export profile 'zzz'", "known: onnx-dynamic"),
    ],
)
def test_unknown_name_gets_the_nearest(find, name, said, hint):
    with pytest.raises(UsageError) as caught:
        find(name)
    assert str(caught.value) == said
    assert hint in caught.value.hint


@given(st.text(max_size=20).filter(lambda name: not name.endswith(".toml")))
@example("0.H5")
@example("\0/.onnx")
@example("é'.ONNX")
def test_any_name_is_found_or_refused(name):
    known = {*cards(), *(alias for card in cards().values() for alias in card.aliases)}
    if name.lower() in known:
        assert name.lower() in (find_card(name).id, *find_card(name).aliases)
    else:
        with pytest.raises(UsageError) as caught:
            find_card(name)
        # What can only be a file is said to be absent, as it was written.
        assert (f"there is no file {name}" if is_absent_file(name) else repr(name)) in str(caught.value)


# Where it is looked for


def test_project_before_user_before_builtin(project, user):
    for folder, title in ((project, "the project's"), (user, "the user's")):
        put(folder / "models" / "squeezenet_1.1.toml", renamed(CARD, "squeezenet_1.1", title=f'"{title}"'))
    assert folders(MODELS) == [Path("models"), user / "models", builtin_folder(MODELS)]
    assert find_card("squeezenet_1.1").title == "the project's"
    (project / "models" / "squeezenet_1.1.toml").unlink()
    cards_again(project)
    assert find_card("squeezenet_1.1").title == "the user's"
    (user / "models" / "squeezenet_1.1.toml").unlink()
    cards_again(project)
    assert find_card("squeezenet_1.1").title == tomllib.loads(CARD)["title"]


def cards_again(project: Path) -> None:
    """Forget what was read, as a new process does."""
    from edgekit.catalog import load_all

    load_all.cache_clear()


def test_explicit_path_before_all(project):
    put(project / "models" / "squeezenet_1.1.toml", renamed(CARD, "squeezenet_1.1", title='"the project\'s"'))
    elsewhere = put(project / "elsewhere" / "squeezenet_1.1.toml", renamed(CARD, "squeezenet_1.1", title='"explicit"'))
    assert find_card(str(elsewhere)).title == "explicit"


def test_user_profile_wins_by_name(user):
    put(user / "export_profiles" / "onnx-int8.toml", re.sub("min_cosine = .*", "min_cosine = 0.5", PROFILE))
    assert profile_for("onnx", "int8").parity.min_cosine == 0.5
    assert profile_for("onnx", "fp32").parity.min_cosine > 0.5


@pytest.mark.parametrize("place", ["project", "user", "path"])
@pytest.mark.parametrize(
    ("old", "new", "makes"),
    [
        ('format = "onnx"', 'format = "tflite"', "tflite fp32"),
        ('precision = "fp32"', 'precision = "fp16"', "onnx fp16"),
    ],
)
def test_a_builtin_name_stays_with_its_format_and_precision(project, user, place, old, new, makes):
    builtin = builtin_folder(PROFILES) / "onnx-fp32.toml"
    text = builtin.read_text()
    assert old in text
    folder = {"project": project / PROFILES, "user": user / PROFILES, "path": project / "mine"}[place]
    path = put(folder / "onnx-fp32.toml", text.replace(old, new))
    with pytest.raises(UsageError) as caught:
        find_profile(str(path) if place == "path" else "onnx-fp32")
    assert str(caught.value) == (
        f"{path} makes {makes} under the name 'onnx-fp32', which is that of {builtin.resolve()}, onnx fp32"
    )
    assert caught.value.exit_code == 2
    assert f'name = "my-{makes.replace(" ", "-")}"' in caught.value.hint


def test_new_names_join_the_builtin_ones(project):
    put(project / "models" / "mine.toml", renamed(CARD, "mine"))
    put(project / "export_profiles" / "my-int8.toml", renamed(PROFILE, "my-int8", key="name"))
    assert find_card("mine").id == "mine"
    assert find_profile("my-int8").name == "my-int8"
    assert len(cards()) == len(CARD_FILES) + 1


@pytest.mark.parametrize(
    ("folder", "text", "find", "said"),
    [
        ("models", renamed(CARD, "other"), cards, "card wrong.toml has id 'other'"),
        ("export_profiles", PROFILE, profiles, "profile wrong.toml has name 'onnx-int8'"),
    ],
)
def test_name_must_be_the_file_name(project, folder, text, find, said):
    put(project / folder / "wrong.toml", text)
    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        find()
    assert caught.value.hint


@pytest.mark.parametrize(
    ("alias", "said"),
    [
        ("mobilenet_v3", "the alias 'mobilenet_v3' of card "),
        ("squeezenet_1.0", "the alias 'squeezenet_1.0' of card mine is taken by squeezenet_1.0"),
    ],
)
def test_alias_clash_names_both(project, alias, said):
    text = renamed(CARD, "mine").replace("num_classes", f'aliases = ["{alias}"]\nnum_classes', 1)
    put(project / "models" / "mine.toml", text)
    with pytest.raises(UsageError) as caught:
        cards()
    assert said in str(caught.value)
    assert "mine" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("id = ", 'id = "../../precious" #', "id: a name is letters"),
        ('family = "', 'family = 7 # "', "family: Input should be a valid string (value: 7)"),
        (
            "url = ",
            'url = "https://me:secret@example.org/w.pth" #',
            "weights.0.url: an address with a user or password",
        ),
        ("url = ", f'url = "{"x" * 1_000_000}" #', "weights.0.url: an address is at most"),
    ],
)
def test_a_hostile_value_is_named_cut_and_without_a_password(project, old, new, said):
    assert old in CARD
    path = put(project / "card.toml", CARD.replace(old, new, 1))
    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        find_card(str(path))
    assert "secret" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_card_of_ones_own_may_leave_out_what_building_does_not_need(project):
    from edgekit.cli.show.models import model_details, models_table

    left_out = ("paper", "licence", "params", "macs")
    text = renamed(CARD, "mine")
    for key in left_out:
        text = re.sub(rf"^{key} = .*$", "", text, flags=re.MULTILINE)
    put(project / "models" / "mine.toml", text)
    card = cards()["mine"]
    assert (card.paper, card.licence, card.params, card.macs) == ("", "", None, None)
    models_table([card])
    shown = model_details(card)
    assert "paper       -" in shown
    assert "params" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "[" + ".".join("a" * 20_000) + "]\nx = 1\n",
        "x = {" + ".".join("a" * 20_000) + " = 1}",
        "a = " + "[" * 40 + "]" * 40,
    ],
)
def test_toml_that_is_nested_without_measure_is_refused_at_once(project, text):
    (project / "card.toml").write_text(text)
    begun = time.process_time()
    with pytest.raises(UsageError, match=r"card\.toml is not valid TOML: it is nested too deeply"):
        find_card("card.toml")
    assert time.process_time() - begun < 2
