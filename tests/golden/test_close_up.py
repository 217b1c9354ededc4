"""Close-ups: people who fill the picture are found, and no pieces of them are taken for people far away."""
import shutil
import subprocess

import pytest

from records import iou, read, run

ZOOM = 12  # people of 30 to 45 px become 360 to 540 px of 1080


def people(record):
    return [o["bbox"] for o in record["objects"] if o["class_id"] != 0]


@pytest.fixture(scope="module")
def close_up(tmp_path_factory):
    """One piece of a synthetic match, enlarged: truth and answer of every frame."""
    if not shutil.which("ffmpeg"):
        pytest.skip("the ffmpeg command is not installed")
    folder = tmp_path_factory.mktemp("close-up")
    run("synth", "-o", folder / "wide.mp4", "--truth", folder / "truth.jsonl", "--seconds", 1, "--seed", 5, "--size", "1920x1080")
    truth = read(folder / "truth.jsonl")[1]
    w, h = 1920 // ZOOM, 1080 // ZOOM
    x, y = max(((x, y) for x in range(0, 1920 - w, 8) for y in range(0, 1080 - h, 8)),
               key=lambda p: sum(within(b, *p, w, h) for b in people(truth[12])))
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", folder / "wide.mp4", "-vf",
                    f"crop={w}:{h}:{x}:{y},scale=1920:1080", folder / "close.mp4"], check=True)
    run("process", folder / "close.mp4", "-o", folder / "out.jsonl")
    near = [[[(b[k] - (x, y)[k % 2]) * ZOOM for k in range(4)] for b in people(r) if within(b, x, y, w, h)] for r in truth]
    return near, [people(r) for r in read(folder / "out.jsonl")[1]]


def within(b, x, y, w, h):
    return b[0] >= x and b[1] >= y and b[2] <= x + w and b[3] <= y + h


def test_people_who_fill_the_picture(close_up):
    truth, answers = close_up
    wanted = sum(map(len, truth))
    found = sum(any(iou(b, a) > 0.5 for a in answer) for near, answer in zip(truth, answers) for b in near)
    assert wanted > len(truth) and found > 0.7 * wanted


def test_no_pieces_of_them(close_up):
    _, answers = close_up
    pieces = [b for answer in answers for b in answer if b[3] - b[1] < 200]
    assert len(pieces) < 0.1 * sum(map(len, answers))
