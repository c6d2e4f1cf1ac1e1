"""What labgrid's client prints, and addresses that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.base.progress import silent
from edgekit.devices.labgrid import Lease, addressed, parse
from edgekit.devices.ssh_errors import DeviceError
from edgekit.types import Device

SHOWN = """Place 'shelf':
  aliases: bob:nearest, pi
  matches:
    exporter/board/NetworkService
  acquired: None
  acquired resources:
  created: 2026-01-02 03:04:05.6
  changed: 2026-01-02 03:04:06.7
"""
SERVICE = """Matching resource 'NetworkService' (exporter/board/NetworkService/NetworkService):
  {'acquired': None,
   'avail': True,
   'cls': 'NetworkService',
   'params': {'address': '%s',
              'extra': {'proxy': 'exporter', 'proxy_required': %s},
              'port': 2222,
              'username': 'pi'}}
"""


def test_what_is_shown_is_understood() -> None:
    shown = parse(SHOWN + SERVICE % ("10.0.0.4", False))
    assert shown is not None
    assert (shown.names, shown.holder, shown.changed) == (("shelf", "nearest", "pi"), None, "2026-01-02 03:04:06")
    device = Device(id="board", transport="ssh", labgrid="shelf", user="root")
    told = addressed(device, shown)
    assert (told.address, told.port, told.user) == ("10.0.0.4", 2222, "root")
    own = Device(id="board", transport="ssh", labgrid="shelf", address="alias")
    assert addressed(own, shown) == own
    assert parse("usage: labgrid-client") is None


@pytest.mark.parametrize(
    ("services", "message"),
    [
        ("", "has no NetworkService resources"),
        (2 * (SERVICE % ("10.0.0.4", False)), "has 2 NetworkService resources"),
        (SERVICE % ("10.0.0.4", True), "only reached through its exporter exporter"),
        (SERVICE % ("-oProxyCommand=touch x", False), "has an address that cannot be used"),
        (SERVICE % (f"' + {'(' * 9000}1{')' * 9000} + '", False), "describes its NetworkService in an unknown way"),
        (SERVICE % ("' + x() + '", False), "describes its NetworkService in an unknown way"),
    ],
)
def test_an_address_that_cannot_be_used(services: str, message: str) -> None:
    shown = parse(SHOWN + services)
    assert shown is not None
    with pytest.raises(DeviceError, match=message) as caught:
        addressed(Device(id="board", transport="ssh", labgrid="shelf"), shown)
    assert "address = under [board]" in caught.value.hint


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ("exec yes", r"says of 127\.0\.0\.1:1 has no end: it printed more than"),
        ("exec cat /dev/zero", "has no end"),
        ("exec yes >&2", "labgrid refused it"),
    ],
)
def test_an_answer_without_an_end_is_given_up(
    says: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "client"
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    monkeypatch.setenv("EDGEKIT_LABGRID_CLIENT", str(program))
    lease = Lease(Device(id="board", transport="ssh", labgrid="shelf", coordinator="127.0.0.1:1"), silent)
    with pytest.raises(DeviceError, match=message):
        lease.show()
