"""Starts the built command (TOUCHLINE=path) as a service beside a video server with vices, all on loopback.

The networks are scripts (src/infer/script.h): answers known beforehand, no model file and no runtime needed.
"""
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import validator  # noqa: E402
from vice_server import ViceServer, wait_until  # noqa: E402

WIDTH, HEIGHT, FRAMES = 320, 180, 50
PLAYER_SCRIPT = """touchline-script 1
head centers
size 640 384
loop
frame
box player 100 100 120 160 0.9
box player 300 120 320 180 0.8
box ball 200 200 208 208 0.7
"""
PITCH_SCRIPT = """touchline-script 1
head points
size 480 288
loop
frame
"""


def pytest_configure(config):
    if not os.environ.get("TOUCHLINE"):
        raise pytest.UsageError("TOUCHLINE must name the built command")


@pytest.fixture(scope="session")
def binary():
    return pathlib.Path(os.environ["TOUCHLINE"]).resolve()


@pytest.fixture(scope="session")
def tools(binary):
    """Folder of the small C programs that tests/CMakeLists.txt builds beside the tests."""
    folder = binary.parent / "tests"
    assert (folder / "fetch_tool").exists(), "build the targets fetch_tool and sign_tool"
    return folder


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """What a process gets: nothing of the settings of whoever runs the tests."""
    home = tmp_path_factory.mktemp("home")
    keep = {k: v for k, v in os.environ.items()
            if k in ("PATH", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")}
    return {**keep, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "LC_ALL": "C.UTF-8",
            "TMPDIR": str(tmp_path_factory.mktemp("tmp")), "TBB_ENABLE_SANITIZERS": "1"}


@pytest.fixture(scope="session")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    (folder / "player.script").write_text(PLAYER_SCRIPT)
    (folder / "pitch.script").write_text(PITCH_SCRIPT)
    return ["--player-model", folder / "player.script", "--pitch-model", folder / "pitch.script"]


@pytest.fixture(scope="session")
def clips(binary, environment, tmp_path_factory):
    """Two seconds of a synthetic match: with the index first, with the index last, with 2 MB of padding behind; and a
    clip of 105 small frames."""
    folder = tmp_path_factory.mktemp("clips")

    def synth(name, *options):
        subprocess.run([binary, "synth", "-o", folder / name, *options], check=True, capture_output=True,
                       env=environment, timeout=120)
    synth("clip.mp4", "--seconds", "2", "--size", f"{WIDTH}x{HEIGHT}")
    synth("long.mp4", "--seconds", "4.2", "--size", "96x64")
    first = index_at((folder / "clip.mp4").read_bytes(), 1)
    padding = hashlib.shake_256(b"padding").digest(2_000_000)
    return {"first": first, "last": index_at(first, -1), "long": (folder / "long.mp4").read_bytes(),
            "big": first + (len(padding) + 8).to_bytes(4, "big") + b"free" + padding}


def boxes(data):
    at, found = 0, []
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8:at + 16], "big")
        found.append((data[at + 4:at + 8], data[at:at + size]))
        at += size
    return found


def index_at(data, place):
    """The MP4 with its index (moov) before (1) or behind (-1) the media; chunk offsets moved along."""
    parts = boxes(data)
    names = [name for name, _ in parts]
    is_first = names.index(b"moov") < names.index(b"mdat")
    if is_first == (place == 1):
        return data
    moov = next(box for name, box in parts if name == b"moov")
    shift = len(moov) * (1 if place == 1 else -1)
    moov = bytearray(moov)
    for m in re.finditer(rb"stco", bytes(moov)):
        count = int.from_bytes(moov[m.end() + 4:m.end() + 8], "big")
        for i in range(count):
            at = m.end() + 8 + 4 * i
            moov[at:at + 4] = (int.from_bytes(moov[at:at + 4], "big") + shift).to_bytes(4, "big")
    rest = [box for name, box in parts if name not in (b"moov",)]
    media = next(i for i, box in enumerate(rest) if box[4:8] == b"mdat")
    rest.insert(media if place == 1 else len(rest), bytes(moov))
    return b"".join(rest)


@pytest.fixture(scope="session")
def videos(clips):
    server = ViceServer(clips["first"], clips["last"], clips["big"], clips["long"])
    yield server
    server.close()
    assert server.private_connections == 0, "somebody came to the address that is to be refused"


class Service:
    """A running `touchline serve`; answers at .port."""

    def __init__(self, binary, environment, folder, *options, wait=True, prepare=None):
        self.log_path = folder / "serve.log"
        self.log_file = open(self.log_path, "ab")
        self.start = self.log_path.stat().st_size
        self.process = subprocess.Popen([binary, "serve", "--listen", "127.0.0.1:0", *map(str, options)], cwd=folder,
                                        env=environment, stdout=self.log_file, stderr=self.log_file,
                                        preexec_fn=prepare)
        self.port = None
        if wait:
            assert wait_until(lambda: self.process.poll() is not None or "Listening on" in self.log, 60), self.log
            assert self.process.poll() is None, self.log
            self.port = int(re.search(r"Listening on .* \(port (\d+)\)", self.log)[1])

    @property
    def log(self):
        return self.log_path.read_bytes()[self.start:].decode(errors="replace")

    def challenge(self, url, task="12345", **options):
        return validator.challenge(self.port, validator.body_of(url, task), **options)

    def get(self, path, **options):
        return validator.get(self.port, path, **options)

    def metric(self, name):
        m = re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics").body.decode(), re.M)
        return float(m[1]) if m else None

    def idle(self):
        return wait_until(lambda: self.get("/availability").json["available"])

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=60):
        """SIGTERM; the exit status."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.log_file.close()


@pytest.fixture(scope="session")
def private_options(networks):
    return [*networks, "--no-chain", "--hotkey", validator.BOB.ss58_address, "--allow-hotkey",
            validator.ALICE.ss58_address, "--allow-host", "127.0.0.1"]


@pytest.fixture
def serve(binary, environment, tmp_path):
    """serve(*options) starts a service; all are stopped at the end, cleanly."""
    running = []

    def start(*options, env=None, **more):
        running.append(Service(binary, {**environment, **(env or {})}, tmp_path, *options, **more))
        return running[-1]
    yield start
    for service in running:
        status = service.stop()
        assert status in (0, -signal.SIGKILL), (status, service.log)
        assert "Sanitizer" not in service.log, service.log


@pytest.fixture(scope="module")
def service(binary, environment, private_options, tmp_path_factory):
    """One service for the tests of a module. No address is limited, so that all of it is heard; test_limits.py has that."""
    running = Service(binary, environment, tmp_path_factory.mktemp("service"), *private_options, "--refusals", "0")
    yield running
    assert running.stop() == 0, running.log
    assert "Sanitizer" not in running.log, running.log


@pytest.fixture(scope="session")
def fetch(tools, environment):
    """fetch(url, name=value...): what the downloader made of it."""
    def run(url, **settings):
        settings.setdefault("allow", "127.0.0.1")
        words = [f"{name}={value}" for name, value in settings.items() if value is not None]
        result = subprocess.run([tools / "fetch_tool", url, *words], capture_output=True, text=True, timeout=120,
                                env=environment)
        assert result.returncode == 0, (result.returncode, result.stderr)
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        return lines[0] if len(lines) == 1 else lines
    return run


@pytest.fixture(scope="session")
def real_clip():
    """A real clip of the shared data, when it is there."""
    folder = pathlib.Path(__file__).resolve().parents[2].parent / "shared" / "data" / "clips"
    path = folder / "inter-napoli-720p25.mp4"
    if not path.exists():
        pytest.skip("no shared data")
    return path


def need(command):
    if not shutil.which(command):
        pytest.skip(f"{command} is not installed")
