"""Cuts of a synthetic match at a large stride: what is answered beside a cut belongs to the shot of its frame."""
import math

import pytest

from records import apply, read, run


@pytest.fixture(scope="module")
def match(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cuts")
    run("synth", "-o", folder / "clip.mp4", "--truth", folder / "truth.jsonl", "--seconds", 10, "--seed", 5, "--camera", "cut")
    run("process", folder / "clip.mp4", "-o", folder / "out.jsonl", "--stride", 6)
    run("process", folder / "clip.mp4", "-o", folder / "drawn.jsonl", "--stride", 6, "--overlay", folder / "seen.mp4")
    return folder


def feet(record):
    return [((o["bbox"][0] + o["bbox"][2]) / 2, o["bbox"][3]) for o in record["objects"] if o["class_id"] != 0]


def way(a, b, points):
    """How far the pitch places of the same pixels lie apart through the cameras of two records: the median."""
    far = sorted(math.dist(apply(a["homography"], *p), apply(b["homography"], *p)) for p in points)
    return far[len(far) // 2]


def test_the_camera_beside_a_cut(match):
    truth, records = read(match / "truth.jsonl")[1], read(match / "out.jsonl")[1]
    cuts = [i for i in range(1, len(truth)) if way(truth[i - 1], truth[i], feet(truth[i])) > 5]
    assert len(cuts) >= 2
    judged = 0
    for cut in cuts:
        for i in range(max(0, cut - 7), min(len(truth), cut + 7)):
            if records[i]["homography"] and feet(truth[i]):
                assert way(truth[i], records[i], feet(truth[i])) < 2, (cut, i)
                judged += 1
    assert judged > 7 * len(cuts), "hardly any camera beside the cuts"


def test_an_overlay_changes_nothing(match):
    assert (match / "out.jsonl").read_bytes() == (match / "drawn.jsonl").read_bytes()
