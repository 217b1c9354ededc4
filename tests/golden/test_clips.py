"""The shipped networks on real broadcast clips: what must hold for every record of them. Skips where the clips are absent
(they are not part of the repository)."""
import os
import subprocess

import pytest

from records import CLIPS, TOUCHLINE, check, read, run

NAMES = ["inter-napoli-720p25", "behind-goal-720p30", "japan-360p30", "serie-a-screen-478p60", "close-up-1080p25"]
pytestmark = pytest.mark.skipif(not CLIPS.is_dir(), reason="the clips of ../shared/data are absent")


@pytest.fixture(scope="module", params=NAMES)
def clip(request, tmp_path_factory):
    out = tmp_path_factory.mktemp(request.param) / "out.jsonl"
    path = CLIPS / f"{request.param}.mp4"
    run("process", path, "-o", out)
    return request.param, path, out


def frames_of(path):
    """Frames that ffmpeg shows of a video: the independent count."""
    done = subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough",
                           "-f", "framehash", "-hash", "adler32", "-"], capture_output=True, text=True, check=True)
    return sum(not line.startswith("#") for line in done.stdout.splitlines())


def test_every_frame_is_answered(clip):
    _, path, out = clip
    head, records = read(out)
    assert len(records) == frames_of(path)
    check(head, records)


def test_pitch_is_seen_in_wide_views_only(clip):
    name, _, out = clip
    records = read(out)[1]
    share = sum(r["homography"] is not None for r in records) / len(records)
    if name == "close-up-1080p25":
        assert share < 0.1
    elif name in ("inter-napoli-720p25", "behind-goal-720p30"):
        assert share > 0.95


def test_no_boards_beside_the_pitch(clip):
    """Behind the goal the boards and the rows above them fill boxes of 90 pixels and more; people there have 35 at most."""
    name, _, out = clip
    if name == "behind-goal-720p30":
        tall = [o for r in read(out)[1] for o in r["objects"] if o["bbox"][3] - o["bbox"][1] > 80]
        assert len(tall) < 50


def test_people_are_seen(clip):
    name, _, out = clip
    records = read(out)[1]
    mean = sum(len(r["objects"]) for r in records) / len(records)
    assert mean < 40
    if name in ("inter-napoli-720p25", "serie-a-screen-478p60"):
        assert mean > 10


def test_same_bytes_for_any_number_of_threads(tmp_path):
    answers = []
    for threads in (1, 2):
        out = tmp_path / f"{threads}.jsonl"
        run("process", CLIPS / "japan-360p30.mp4", "-o", out, "--threads", threads, "--frames", "0:200")
        answers.append(out.read_bytes())
    assert answers[0] == answers[1]


def test_peak_memory(tmp_path):
    """Below 500 MB for 720p. A child's child, so that other tests' processes do not count."""
    script = ("import resource,subprocess,sys;subprocess.run(sys.argv[1:],check=True,stderr=subprocess.DEVNULL);"
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run([os.environ.get("PYTHON", "python3"), "-c", script, TOUCHLINE, "process",
                           CLIPS / "inter-napoli-720p25.mp4", "-o", tmp_path / "out.jsonl"],
                          capture_output=True, text=True, check=True)
    assert int(done.stdout) / 1024 < 500
