"""The shipped networks on real broadcast clips (shared data beside the source tree; skipped where it is absent)."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import read_jsonl

CLIPS = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data" / "clips"
NAMES = ["behind-goal-720p30", "close-up-1080p25", "inter-napoli-720p25", "japan-360p30", "serie-a-screen-478p60"]


def clip_of(name):
    path = CLIPS / f"{name}.mp4"
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    return path


@pytest.fixture(scope="module", autouse=True)
def shipped_networks(binary, environment):
    if subprocess.run([binary, "models"], env=environment, capture_output=True).returncode:
        pytest.skip("no shipped networks here")


def decoded_frames(path):
    if not shutil.which("ffprobe"):
        pytest.skip("the ffprobe command is not installed")
    probe = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries",
                            "stream=nb_read_frames,width,height", "-of", "json", path], capture_output=True, text=True,
                           check=True)
    stream = json.loads(probe.stdout)["streams"][0]
    return int(stream["nb_read_frames"]), stream["width"], stream["height"]


@pytest.mark.parametrize("name", NAMES)
def test_every_frame_is_answered(touchline, name):
    path = clip_of(name)
    result = touchline("process", path, "-o", "out.jsonl", timeout=600)
    assert result.returncode == 0, result.stderr
    header, records = read_jsonl(touchline.folder / "out.jsonl")
    count, width, height = decoded_frames(path)
    assert (header["width"], header["height"]) == (width, height)
    assert [r["frame"] for r in records] == list(range(count))
    assert all(a["time"] < b["time"] for a, b in zip(records, records[1:]))
    for record in records:
        ids = [item["id"] for item in record["objects"]]
        assert len(ids) == len(set(ids)) and all(i >= 1 for i in ids)
        for item in record["objects"]:
            x1, y1, x2, y2 = item["bbox"]
            assert 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height
            assert item["class_id"] in range(4) and 0 <= item["score"] <= 1
        assert len(record["keypoints"]) == 32
        for x, y, confidence in record["keypoints"]:
            assert 0 <= confidence <= 1
            assert 0 <= x <= width and 0 <= y <= height
            assert confidence > 0 or (x, y) == (0, 0)
        if record["homography"] is None:  # nothing is invented
            assert all(item["pitch"] is None for item in record["objects"])
        else:
            assert len(record["homography"]) == 9


def test_close_up_shows_no_pitch(touchline):
    result = touchline("process", clip_of("close-up-1080p25"), "-o", "out.jsonl", timeout=600)
    assert result.returncode == 0, result.stderr
    records = read_jsonl(touchline.folder / "out.jsonl")[1]
    blank = [r for r in records if r["homography"] is None and all(p == [0, 0, 0] for p in r["keypoints"])]
    assert len(blank) > 0.95 * len(records)


def test_wide_camera_shows_the_pitch(touchline):
    result = touchline("process", clip_of("inter-napoli-720p25"), "-o", "out.jsonl", timeout=600)
    assert result.returncode == 0, result.stderr
    records = read_jsonl(touchline.folder / "out.jsonl")[1]
    assert sum(r["homography"] is not None for r in records) > 0.95 * len(records)
    people = [sum(item["class_id"] != 0 for item in r["objects"]) for r in records]
    assert 8 < sorted(people)[len(people) // 2] < 30


def test_threads_change_no_byte(touchline):
    path = clip_of("japan-360p30")
    outputs = []
    for threads in (1, 2):
        result = touchline("process", path, "--frames", ":200", "--threads", threads, "-o", "-", "-q", timeout=600)
        assert result.returncode == 0, result.stderr
        outputs.append(result.stdout)
    assert outputs[0] == outputs[1]


def test_memory_stays_below_500_mb(touchline):
    if os.environ.get("ASAN_OPTIONS") or os.environ.get("TSAN_OPTIONS"):
        pytest.skip("sanitizers need memory of their own")
    process = touchline.start("process", clip_of("inter-napoli-720p25"), "-o", "out.jsonl", "-q")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.stderr.read()
    assert usage.ru_maxrss < 500 * 1024, f"{usage.ru_maxrss} KiB"
