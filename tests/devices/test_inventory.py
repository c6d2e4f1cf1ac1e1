from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.devices.boards import boards, find_board
from edgekit.devices.entries import add_entry, read_entries, remove_entry
from edgekit.devices.inventory import find_device, find_devices
from edgekit.devices.virtual.boards import VIRTUAL
from edgekit.errors import UsageError
from edgekit.types import Device


@pytest.fixture(autouse=True)
def nowhere(empty_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder and a user folder, both empty; an SSH config that names nothing."""
    monkeypatch.setenv("EDGEKIT_SSH_CONFIG", str(tmp_path / "ssh_config"))
    return empty_project.parent


def test_this_machine() -> None:
    assert find_device("local") == Device(id="local", transport="local")


@pytest.mark.parametrize(("name", "hint"), [("locla", "did you mean local?"), ("nonsense", "add it: ")])
def test_an_unknown_device_says_what_to_do(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=f"unknown device '{name}'") as caught:
        find_device(name)
    assert caught.value.hint.startswith(hint)
    assert f"edgekit devices add {name} USER@ADDRESS" in caught.value.hint
    assert "--device local" in caught.value.hint


@pytest.mark.parametrize(("name", "offer"), [("rpi4", "virtual-rpi4"), ("rpi5", "virtual-rpi5"), ("x", "virtual-rpi4")])
def test_an_emulated_board_is_offered(name: str, offer: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_device(name)
    assert f"--device {offer};" in caught.value.hint


def test_an_entry_of_the_project_then_of_the_user(nowhere: Path) -> None:
    (nowhere / "user" / "edgekit").mkdir(parents=True)
    (nowhere / "user" / "edgekit" / "devices.toml").write_text('[rpi4]\naddress = "old"\n[nuc]\naddress = "n"\n')
    Path("devices.toml").write_text('[rpi4]\naddress = "10.0.0.4"\nuser = "pi"\nboard = "rpi4"\ntags = ["lab"]\n')
    expected = Device(id="rpi4", transport="ssh", address="10.0.0.4", user="pi", board="rpi4", tags=("lab",))
    assert find_device("rpi4") == expected
    assert find_device("nuc").address == "n"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('[rpi4]\nadress = "x"\n', "unknown key 'adress' .*device 'rpi4'", "did you mean address?"),
        ('[rpi4]\nuser = "pi"\n', 'transport = "ssh" needs an address', ""),
        ('[rpi4]\naddress = "-oProxyCommand=x"\n', "address", ""),
        ('[rpi4]\naddress = "x"\nport = 70000\n', "port", ""),
        ('[rpi4]\naddress = "x"\nboard = "rpi44"\n', "unknown board 'rpi44'", "did you mean rpi4"),
        ('["../x"]\naddress = "x"\n', "id", ""),
        ('rpi4 = "10.0.0.4"\n', "stands outside a table", ""),
        ("[rpi4\n", "not valid TOML", ""),
        ("[rpi4]\naddress = 2024-01-01\nwait_s = 2024-01-01T00:00:00\n", "wait_s", ""),
    ],
)
def test_a_wrong_entry_is_explained(text: str, message: str, hint: str) -> None:
    Path("devices.toml").write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        find_device("rpi4")
    assert hint in caught.value.hint


# The SSH config


def test_names_and_tags_mean_each_device_once(nowhere: Path) -> None:
    Path("devices.toml").write_text(
        '[a]\naddress = "1"\ntags = ["lab"]\n[b]\naddress = "2"\ntags = ["lab", "a"]\n[c]\naddress = "3"\n'
    )
    assert [device.id for device in find_devices("lab")] == ["a", "b"]
    assert [device.id for device in find_devices("c, lab,local,c")] == ["c", "a", "b", "local"]
    assert [device.id for device in find_devices("a")] == ["a"]  # the device, though another has a tag of its name
    with pytest.raises(UsageError, match="unknown device 'lap'"):
        find_devices("c,lap")
    with pytest.raises(UsageError, match="has an empty name"):
        find_devices("c,")


def test_a_host_alias_is_a_device(nowhere: Path) -> None:
    (nowhere / "ssh_config").write_text(
        f"Host pi4 lab-* !never ../up con {'x' * 81}\n  HostName 10.0.0.4\nhost=nuc\nMatch host x\n"
    )
    assert find_device("pi4") == Device(id="pi4", transport="ssh", address="pi4")
    assert find_device("nuc").address == "nuc"
    for name in ("lab-*", "lab-1", "never", "../up", "con", "x" * 81):
        with pytest.raises(UsageError, match="unknown device"):
            find_device(name)


def test_aliases_of_included_files(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = nowhere / ".ssh" / "conf.d"
    folder.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(nowhere))
    (folder / "a.conf").write_text("Host one\n")
    (folder / "b.conf").write_text(f'Host "two"\nInclude {nowhere}/ssh_config\n')
    (nowhere / "ssh_config").write_text("Include conf.d/*.conf\nInclude nowhere\nHost three # a comment\n")
    assert [find_device(name).id for name in ("one", "two", "three")] == ["one", "two", "three"]


def test_an_entry_comes_before_an_alias(nowhere: Path) -> None:
    (nowhere / "ssh_config").write_text("Host pi4\n")
    Path("devices.toml").write_text('[pi4]\naddress = "pi4"\nboard = "rpi4"\n')
    assert find_device("pi4").board == "rpi4"


# Writing


def test_what_is_added_is_read_back() -> None:
    device = Device(
        id="rpi4", transport="ssh", address="fe80::1%eth0", user="pi", port=2222, python='/o"dd/py', tags=("a", "b")
    )
    path = Path("devices.toml")
    path.write_text("# mine\n[nuc]\naddress = 'n'\n")
    add_entry(path, device)
    assert read_entries()["rpi4"][0] == device
    assert path.read_text().startswith("# mine\n[nuc]\naddress = 'n'\n\n[rpi4]\n")
    with pytest.raises(UsageError, match="has a device 'rpi4' already"):
        add_entry(path, device)
    remove_entry(path, "rpi4")
    assert list(read_entries()) == ["nuc"]


def test_removing_leaves_the_rest_as_it_is() -> None:
    path = Path("devices.toml")
    path.write_text("# top\n[a]\naddress='1' # x\n\n[ \"b.c\" ] # to go\naddress = '2'\n\n# end\n[d]\naddress = '3'\n")
    remove_entry(path, "b.c")
    assert path.read_text() == "# top\n[a]\naddress='1' # x\n\n[d]\naddress = '3'\n"


def test_a_table_that_cannot_be_cut_out_stays() -> None:
    path = Path("devices.toml")
    path.write_text("a.address = '1'\n")
    with pytest.raises(UsageError, match="not written as"):
        remove_entry(path, "a")
    assert path.read_text() == "a.address = '1'\n"


# Boards


def test_every_board_is_whole() -> None:
    assert {"rpi3", "rpi4", "rpi5", "n100", "jetson_nano"} <= boards().keys()
    assert find_board("rpi4").cpu == "4 x Cortex-A72 at 1800 MHz"
    for board in VIRTUAL.values():
        assert board.board in boards()
