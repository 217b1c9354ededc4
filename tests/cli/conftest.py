"""Runs the built command (TOUCHLINE=path) in an empty folder with a clean environment.

The networks are scripts (src/infer/script.h): answers known beforehand, no model file and no runtime needed.
"""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

CODES = dict(OK=0, EUSAGE=2, ENOENT=3, EIO=4, ENOSPC=5, ENOMEM=6, EFORMAT=7, ENOVIDEO=8, EEMPTY=9, ETRUNCATED=10,
             ELIMIT=11, EMODEL=12, EBACKEND=13, ENET=14, EDENIED=15, ETIMEOUT=16, EEXIST=17, ECONFIG=18, EINTERNAL=19,
             EINTERRUPTED=20)
NAMES = ["ball", "goalkeeper", "player", "referee"]


def pytest_configure(config):
    if not os.environ.get("TOUCHLINE"):
        raise pytest.UsageError("TOUCHLINE must name the built command")


@pytest.fixture(scope="session")
def binary():
    return str(pathlib.Path(os.environ["TOUCHLINE"]).resolve())


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """What a process gets: nothing of the settings of whoever runs the tests."""
    home = tmp_path_factory.mktemp("home")
    keep = {k: v for k, v in os.environ.items() if k in ("PATH", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "TSAN_OPTIONS",
                                                            "TBB_ENABLE_SANITIZERS")}
    return {**keep, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "LC_ALL": "C.UTF-8"}


class Runner:
    """touchline(...) in its own folder; answers a CompletedProcess with text output."""

    def __init__(self, binary, environment, folder):
        self.binary, self.environment, self.folder = binary, environment, folder

    def __call__(self, *arguments, env=None, timeout=120, **options):
        options.setdefault("text", True)
        return subprocess.run([self.binary, *map(str, arguments)], cwd=self.folder, capture_output=True,
                              env={**self.environment, **(env or {})}, timeout=timeout, **options)

    def start(self, *arguments, env=None, **options):
        return subprocess.Popen([self.binary, *map(str, arguments)], cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env={**self.environment, **(env or {})}, text=True, **options)

    def files(self):
        return sorted(p.name for p in self.folder.iterdir())


@pytest.fixture
def touchline(binary, environment, tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    return Runner(binary, environment, folder)


def error_of(result):
    """The one sentence of a failure."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("touchline: ")]
    assert len(lines) == 1, result.stderr
    assert result.stderr.splitlines()[-1] == lines[0], result.stderr
    assert not lines[0].endswith("."), lines[0]
    return lines[0][len("touchline: "):]


def assert_fails(result, code, *words):
    assert result.returncode == CODES[code], (result.returncode, result.stderr)
    sentence = error_of(result)
    for word in words:
        assert word in sentence, sentence
    return sentence


def read_jsonl(path):
    lines = [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()]
    return lines[0], lines[1:]


PLAYER_SCRIPT = """touchline-script 1
head centers
size 640 384
loop
frame
box player 100 100 120 160 0.9
box player 300 120 320 180 0.8
"""
PITCH_SCRIPT = """touchline-script 1
head points
size 480 288
loop
frame
"""


class Networks:
    """Scripted networks as command-line options."""

    def __init__(self, folder, player=PLAYER_SCRIPT, pitch=PITCH_SCRIPT):
        self.player, self.pitch = folder / "player.script", folder / "pitch.script"
        self.player.write_text(player)
        self.pitch.write_text(pitch)

    @property
    def options(self):
        return ["--player-model", self.player, "--pitch-model", self.pitch]


@pytest.fixture(scope="session")
def networks(tmp_path_factory):
    return Networks(tmp_path_factory.mktemp("networks"))


def ffmpeg(*arguments):
    if not shutil.which("ffmpeg"):
        pytest.skip("the ffmpeg command is not installed")
    result = subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", *map(str, arguments)],
                            capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    assert result.returncode == 0, result.stderr


def test_source(size="320x180", rate=25, seconds=2.0):
    return ["-f", "lavfi", "-i", f"testsrc=size={size}:rate={rate}:duration={seconds}"]


test_source.__test__ = False


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """50 frames of 320x180 at 25 per second, index first."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    ffmpeg(*test_source(), "-pix_fmt", "yuv420p", "-c:v", "libx264", "-g", "12", "-movflags", "+faststart", path)
    return path


@pytest.fixture(scope="session")
def match(binary, environment, tmp_path_factory):
    """A synthetic match of 2 seconds, its truth, and scripted networks that saw it well."""
    folder = tmp_path_factory.mktemp("match")
    runner = Runner(binary, environment, folder)
    result = runner("synth", "-o", "match.mp4", "--truth", "truth.jsonl", "--seconds", 2, "--seed", 5)
    assert result.returncode == 0, result.stderr
    _, truth = read_jsonl(folder / "truth.jsonl")
    player = ["touchline-script 1", "head centers", "size 640 384", "source 1280 720"]
    pitch = ["touchline-script 1", "head points", "size 480 288", "source 1280 720"]
    for record in truth:
        player.append("frame")
        for item in record["objects"]:
            player.append("box " + " ".join(map(str, [NAMES[item["class_id"]], *item["bbox"], 0.9])))
        pitch.append("frame")
        for i, (x, y, confidence) in enumerate(record["keypoints"]):
            if confidence > 0:
                pitch.append(f"point {i} {x} {y} 0.9")
    nets = Networks(folder, "\n".join(player) + "\n", "\n".join(pitch) + "\n")
    return folder / "match.mp4", truth, nets
