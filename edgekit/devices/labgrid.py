"""Acquire a place of a labgrid coordinator while we measure, with the program ``labgrid-client``, as a person would.

So the user's own settings apply: ``LG_COORDINATOR``, ``LG_PROXY``, ``LG_HOSTNAME``, ``LG_USERNAME``. Documentation:
https://labgrid.readthedocs.io/en/latest/man/client.html
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from ..base.distribution import install_command
from ..base.folders import labgrid_folder
from ..base.listener import gather
from ..base.processes.posix import take_lock, user_name
from ..base.progress import Finished, Note, Progress, Step, Warned
from ..errors import ToolError, did_you_mean
from ..types import Device
from .ssh_errors import DeviceError, quoted

SETTING = "EDGEKIT_LABGRID_CLIENT"
"""Environment variable: the program ``labgrid-client``, when it is not on the PATH."""
OVERRIDING = {"LG_ENV", "LG_PLACE", "PLACE", "LG_STATE", "STATE", "LG_INITIAL_STATE", "LG_TOKEN"}
"""Variables that would make ``labgrid-client`` take another place than the one we name, or ask questions."""
CALL_S, POLL_S = 60.0, 1.0
"""Deadline of one call of the client, and how often another run of ours here is asked after."""

UNREADABLE = (ValueError, SyntaxError, RecursionError, MemoryError)
"""What Python's own parser raises for a literal; the last two for brackets in brackets in brackets."""


@dataclass(frozen=True)
class Shown:
    """The answer of ``labgrid-client show`` about a place.

    Attributes:
        holder: ``host/user``; None for a free place.
        allowed: others who may use it too, as ``host/user``.
        changed: when it was last acquired, released or edited.
        reservation: token of the reservation that the place waits for.
        services: its NetworkService resources, as Python literals.
    """

    name: str
    names: tuple[str, ...]
    holder: str | None
    allowed: tuple[str, ...]
    changed: str
    reservation: str | None
    services: tuple[str, ...]


@contextmanager
def holding(device: Device, progress: Progress) -> Iterator[Device]:
    """Hold the place of ``device`` until the block ends; the device with its address, which the place may tell.

    A place that its owner acquired by hand, or whose holder allows us in, is used and left as it is.

    Raises:
        DeviceError: the place is not known, is not free in time, or cannot be given back; no coordinator answers.
        ToolError: there is no ``labgrid-client``.
    """
    if device.labgrid is None:
        yield device
        return
    lease = Lease(device, progress)
    with lease.only_here():
        try:
            lease.take()
            yield addressed(device, lease.shown)
            lease.give_back()
        except BaseException:
            try:
                lease.give_back()  # again, if that was interrupted
            except ToolError as error:  # the first failure is the one to report
                progress(Warned(str(error)))
            raise


class Lease:
    """A place on its way to us and back."""

    def __init__(self, device: Device, progress: Progress) -> None:
        assert device.labgrid is not None
        self.device, self.wanted, self.progress = device, device.labgrid, progress
        self.program = find_client()
        user = os.environ.get("LG_USERNAME") or user_name()
        self.me = f"{os.environ.get('LG_HOSTNAME') or socket.gethostname()}/{user}"
        self.coordinator = device.coordinator or os.environ.get("LG_COORDINATOR") or "127.0.0.1:20408"
        self.began = time.monotonic()
        self.deadline = self.began + device.wait_s
        self.asked = self.ours = False
        self.token: str | None = None

    # The client ------------------------------------------------------------------------------------------------------

    def client(self, *words: str, limit: float | None = None) -> subprocess.CompletedProcess[str]:
        """Run ``labgrid-client``; it survives our Ctrl-C, so that it is not stopped half-way.

        Raises:
            DeviceError: no coordinator answers, or its answer has no end.
        """
        environment = {key: value for key, value in os.environ.items() if key not in OVERRIDING}
        command = [self.program, "-x", self.coordinator, *words]
        limit = CALL_S if limit is None else limit
        hint = "is it running there? correct coordinator = in devices.toml, or LG_COORDINATOR"
        printed = gather(command, limit, env=environment)
        if printed.excess:
            raise DeviceError(
                "place", f"what {self.program} says of {self.coordinator} has no end: it {printed.excess}", hint
            )
        if printed.code is None:
            message = f"the labgrid coordinator {self.coordinator} did not answer within {limit:.0f} s"
            raise DeviceError("place", message, hint) from subprocess.TimeoutExpired(command, limit)
        said = printed.stdout.decode(errors="replace")
        done = subprocess.CompletedProcess(command, printed.code, said, printed.said)
        if done.returncode and re.search(r"coordinator is unavailable|Could not connect to coordinator", done.stderr):
            message = f"no labgrid coordinator answers at {self.coordinator}{quoted(done.stderr)}"
            raise DeviceError("place", message, hint)
        return done

    def by_hand(self, words: str) -> str:
        """The command that a person would type."""
        return f"labgrid-client -x {self.coordinator} {words}"

    def failed(self, what: str, done: subprocess.CompletedProcess[str], hint: str) -> DeviceError:
        """A call that the client, or the coordinator, refused."""
        return DeviceError("place", f"{what}: labgrid refused it{quoted(done.stderr or done.stdout)}", hint)

    def show(self) -> Shown:
        """The place as it is now.

        Raises:
            DeviceError: there is none of that name.
        """
        done = self.client("-p", self.wanted, "show")
        shown = parse(done.stdout) if done.returncode == 0 else None
        # The client accepts part of a name as well, but a report must name exactly one place.
        if shown is not None and self.wanted in shown.names:
            return shown
        if shown is None and not re.search("matches nothing|matches multiple", done.stderr):
            raise self.failed(f"looking at place {self.wanted}", done, self.by_hand(f"-p {self.wanted} show"))
        places = self.client("places").stdout.splitlines()
        known = [line.split()[0] for line in places if line.strip()]
        raise DeviceError(
            "place",
            f"the coordinator {self.coordinator} has no place {self.wanted!r}",
            did_you_mean(self.wanted, known) or f"make it: {self.by_hand(f'-p {self.wanted} create')}",
        )

    # Taking ----------------------------------------------------------------------------------------------------------

    @contextmanager
    def only_here(self) -> Iterator[None]:
        """Exclude our other runs on this machine: to labgrid they are all one owner.

        Raises:
            DeviceError: another one holds the place, and did not end in time.
        """
        key = hashlib.sha256(f"{self.coordinator}\n{self.me}\n{self.wanted}".encode()).hexdigest()[:16]
        path = labgrid_folder() / f"{key}.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+") as stream:
            said = False
            while not locked(stream):
                stream.seek(0)
                other = f"another edgekit run of yours on this machine ({stream.read().strip()})"
                if time.monotonic() >= self.deadline:
                    raise self.held_by(other)
                if not said:
                    self.progress(Step(f"waiting for {self.wanted}, which is held by {other}"))
                    said = True
                time.sleep(POLL_S)
            stream.truncate(0)
            stream.write(f"process {os.getpid()}, since {time.strftime('%F %T')}")
            stream.flush()
            yield

    def take(self) -> None:
        """Acquire the place, when it is not free through a reservation, which waits for its turn.

        Raises:
            DeviceError: it is not free, or has not become free in time.
        """
        self.progress(Step(f"asking labgrid for place {self.wanted}"))
        self.shown = self.show()
        if self.me in (self.shown.holder, *self.shown.allowed):
            how = "yours already" if self.me == self.shown.holder else f"{self.shown.holder}'s, who allows you in"
            self.progress(Note(f"place {self.shown.name} is {how}: used, and not released afterwards"))
            return
        if self.shown.holder is not None:
            self.queue(self.shown)
        refused = self.acquire()
        if refused is not None:
            now = self.show()
            if now.holder is None and now.reservation is None:
                hint = f"{self.by_hand(f'-p {now.name} show')}; is its exporter running?"
                raise self.failed(f"acquiring place {now.name}", refused, hint)
            # Somebody was quicker, or has it reserved.
            self.queue(now)
            refused = self.acquire()
            if refused is not None:
                raise self.failed(f"acquiring place {now.name}", refused, "try again")

    def acquire(self) -> subprocess.CompletedProcess[str] | None:
        """Try once; what was refused, or None."""
        self.asked = True  # from now on an interruption may leave it ours
        done = self.client("-p", self.shown.name, "acquire")
        if done.returncode:
            self.asked = False
            return done
        self.ours = True
        self.progress(Finished(f"acquired place {self.shown.name}"))
        return None

    def queue(self, shown: Shown) -> None:
        """Wait in labgrid's own queue until the place is set apart for us.

        Raises:
            DeviceError: it is not to be waited for, or not any longer.
        """
        left = self.deadline - time.monotonic()
        holder = self.holder_of(shown)
        if left <= 0 or self.token is not None:  # a second time: it was set apart for us, and went to somebody else
            raise self.held_by(holder)
        made = self.client("reserve", "--shell", f"name={shown.name}")
        found = re.search(r"LG_TOKEN=(\w+)", made.stdout)
        if made.returncode or found is None:
            raise self.failed(f"reserving place {shown.name}", made, f"it is held by {holder}")
        self.token = found[1]
        self.progress(Step(f"waiting for place {shown.name}, which is held by {holder} (at most {left:.0f} s)"))
        try:
            waited = self.client("wait", self.token, limit=left)
        except DeviceError as error:
            if isinstance(error.__cause__, subprocess.TimeoutExpired):
                raise self.held_by(self.holder_of(self.show())) from error
            raise
        if waited.returncode:
            raise self.failed(f"waiting for place {shown.name}", waited, "try again")

    def holder_of(self, shown: Shown) -> str:
        """Who has the place, in words."""
        if shown.holder is not None:
            return f"{shown.holder} (last change {shown.changed})"
        listed = self.client("reservations").stdout
        found = re.search(rf"Reservation '{re.escape(str(shown.reservation))}':\n\s+owner: (.*)", listed)
        return f"a reservation of {found[1]}" if found else "a reservation"

    def held_by(self, holder: str) -> DeviceError:
        """The error for a place that we cannot get."""
        after, wait = f" after {time.monotonic() - self.began:.0f} s of waiting", ""
        if not self.device.wait_s:
            after, wait = "", f"; or let edgekit wait: wait_s = 600 under [{self.device.id}] in devices.toml"
        return DeviceError("place", f"place {self.wanted} is held by {holder}{after}", f"ask them for it{wait}")

    # Giving back -----------------------------------------------------------------------------------------------------

    def give_back(self) -> None:
        """Release what we acquired and cancel what we reserved.

        Raises:
            DeviceError: the place was taken from us meanwhile, or labgrid does not answer.
        """
        try:
            if self.asked:
                self.release()
        finally:
            if self.token is not None:
                self.client("cancel-reservation", self.token)  # one that has expired is refused, and is gone as well
                self.token = None

    def release(self) -> None:
        """Release the place, if it is still ours."""
        now = self.show()
        ours, self.ours = self.ours, False
        if now.holder == self.me:
            done = self.client("-p", now.name, "release-from", self.me)
            if done.returncode:
                by_hand = self.by_hand(f"-p {now.name} release")
                raise self.failed(f"releasing place {now.name}", done, f"by hand: {by_hand}")
            self.asked = False
            self.progress(Finished(f"released place {now.name}"))
            return
        self.asked = False
        if ours:
            holder = f"now {now.holder} has it" if now.holder else "it is free now"
            raise DeviceError(
                "place",
                f"place {now.name} was taken from us while we used it: {holder} (since {now.changed})",
                "what was measured may have been disturbed: measure again",
            )


def find_client() -> str:
    """The program: the one that :data:`SETTING` names, beside our interpreter, or on the PATH.

    Raises:
        ToolError: it is not there.
    """
    named = os.environ.get(SETTING)
    beside = Path(sys.executable).parent
    found = (
        shutil.which(named)
        if named
        else shutil.which("labgrid-client", path=f"{beside}:{os.environ.get('PATH', os.defpath)}")
    )
    if found is None:
        what = (
            f"{SETTING} names {named!r}, which is not a program" if named else "the program labgrid-client is not here"
        )
        raise ToolError(what, f"{install_command('labgrid')}, or name it by {SETTING}")
    return found


def locked(stream: IO[str]) -> bool:
    """Take the lock of an open file if it is free."""
    try:
        take_lock(stream.fileno(), wait=False)
    except BlockingIOError:
        return False
    return True


def parse(text: str) -> Shown | None:
    """What ``labgrid-client show`` printed; None when it is something else."""
    head = re.search(r"^Place '(.*)':$", text, re.MULTILINE)
    if head is None:
        return None

    def value(key: str) -> str | None:
        found = re.search(rf"^  {key}: (.*)$", text, re.MULTILINE)
        return found[1] if found and found[1] != "None" else None

    def words(key: str) -> tuple[str, ...]:
        return tuple((value(key) or "").split(", ")) if value(key) else ()

    blocks = re.findall(
        r"^\w+ resource '.*' \([^/()]+/[^/()]+/NetworkService/[^()]+\):\n((?:  .*\n?)+)", text, re.MULTILINE
    )
    aliases = [alias.rpartition(":")[2] for alias in words("aliases")]
    return Shown(
        name=head[1],
        names=(head[1], *aliases),
        holder=value("acquired"),
        allowed=words("allowed"),
        changed=(value("changed") or "").partition(".")[0],
        reservation=value("reservation"),
        services=tuple(textwrap.dedent(block) for block in blocks),
    )


def addressed(device: Device, shown: Shown) -> Device:
    """The device with the address, user and port of the place's NetworkService, if its entry gives no address.

    Raises:
        DeviceError: the place has none, or several, or one that is reached through its exporter only.
    """
    if device.transport != "ssh" or device.address is not None:
        return device
    hint = f"give it an address: address = under [{device.id}] in devices.toml"
    if len(shown.services) != 1:
        count = len(shown.services) or "no"
        message = f"place {shown.name} has {count} NetworkService resources, so its address is not known"
        raise DeviceError("place", message, hint)
    try:
        service = ast.literal_eval(shown.services[0])["params"]
        extra = service.get("extra") or {}
        proxy = extra.get("proxy") if extra.get("proxy_required") else None
        told = {"address": service["address"], "user": service.get("username"), "port": service.get("port")}
    except (*UNREADABLE, LookupError, TypeError, AttributeError) as error:
        message = f"place {shown.name} describes its NetworkService in an unknown way{quoted(shown.services[0])}"
        raise DeviceError("place", message, hint) from error
    if proxy is not None:
        message = f"place {shown.name} is only reached through its exporter {proxy}"
        raise DeviceError("place", message, f"a Host of your SSH config with ProxyJump {proxy}; then {hint}")
    given = {key: value for key, value in device.to_plain().items() if value is not None}
    try:
        return Device.from_plain({**{key: value for key, value in told.items() if value is not None}, **given})
    except ValidationError as error:
        raise DeviceError("place", f"place {shown.name} has an address that cannot be used: {told}", hint) from error
