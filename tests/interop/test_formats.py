"""Our result files in the hands of the programs that they are for.

TOUCHLINE names the command; interop_samples is built beside it and writes the made-up match that samples.c describes.
"""
import configparser
import csv
import json
import os
import pathlib
import subprocess
import sys

import pytest

FRAMES, WIDTH, HEIGHT, FPS = 20, 1280, 720, 29.97
CLASSES = {1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 1, 7: 3, 8: 0}
NAMES = ["ball", "goalkeeper", "player", "referee"]
TEAMS = {1: 1, 2: 1, 3: 2, 4: 2, 6: 1}  # the second defends on the left
SIDES = {1: "right", 2: "left"}


def tracks(frame):
    return [k for k in CLASSES if not (k == 5 and frame % 2)]


def box(track, frame):
    """left, top, width, height by the formula of samples.c"""
    size = (10, 10) if track == 8 else (40, 90)
    return (100 + 120 * track + 3 * frame, 200 + 30 * track, *size)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    tool = pathlib.Path(os.environ.get("TOUCHLINE", "build/touchline")).resolve().parent / "tests" / "interop_samples"
    if not tool.exists():
        pytest.skip(f"{tool} is not built")
    path = tmp_path_factory.mktemp("formats")
    subprocess.run([tool, path], check=True)
    return path


def strict(text):
    """JSON without NaN and Infinity"""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))


def test_json_lines(folder):
    head, *records = [strict(line) for line in (folder / "match.jsonl").read_text("utf-8").splitlines()]
    assert list(head) == ["touchline", "format", "source", "width", "height", "fps", "player_model", "pitch_model", "settings"]
    assert head["source"] == 'made-up "match" é.mp4' and head["fps"] == FPS and head["format"] == 1
    assert [r["frame"] for r in records] == list(range(FRAMES))
    for r in records:
        assert list(r) == ["frame", "time", "filled", "left_team", "objects", "keypoints", "homography"]
        assert abs(r["time"] - r["frame"] / FPS) < 1e-6
        assert len(r["keypoints"]) == 32 and all(len(p) == 3 for p in r["keypoints"])
        assert [o["id"] for o in r["objects"]] == tracks(r["frame"])
        for o in r["objects"]:
            left, top, width, height = box(o["id"], r["frame"])
            assert list(o) == ["id", "class", "class_id", "bbox", "score", "filled", "pitch", "team"]
            assert o["team"] == TEAMS.get(o["id"])
            assert o["bbox"] == [left, top, left + width, top + height]
            assert o["class_id"] == CLASSES[o["id"]] and o["class"] == NAMES[o["class_id"]]
            assert (o["pitch"] is None) == (o["id"] == 3)


def test_subnet_reply(folder):
    """What the validator needs of each frame, by section 1.4 of the protocol."""
    reply = strict((folder / "match.json").read_text())
    assert set(reply) == {"challenge_id", "processing_time", "frames"} and isinstance(reply["frames"], list)
    assert [f["frame_number"] for f in reply["frames"]] == list(range(FRAMES))
    for f in reply["frames"]:
        assert len(f["keypoints"]) == 32
        assert [i for i, p in enumerate(f["keypoints"]) if p != [0, 0]] == list(range(8, 16))
        for o in f["objects"]:
            assert set(o) == {"id", "bbox", "class_id"} and len(o["bbox"]) == 4
            assert [round(v, 2) for v in o["bbox"]] == o["bbox"]


def write_truth(root, sequence):
    """MOTChallenge ground truth of the persons, straight from the formula."""
    gt = root / "gt" / "TL-test" / sequence / "gt"
    gt.mkdir(parents=True)
    rows = [(f + 1, k, *box(k, f), 1, 1, 1) for f in range(FRAMES) for k in tracks(f) if k != 8]
    (gt / "gt.txt").write_text("".join(",".join(map(str, r)) + "\n" for r in rows))
    maps = root / "gt" / "seqmaps"
    maps.mkdir()
    (maps / "TL-test.txt").write_text(f"name\n{sequence}\n")
    return gt.parent


def evaluate(trackeval, root):
    quiet = dict(PRINT_RESULTS=False, PRINT_CONFIG=False, OUTPUT_SUMMARY=False, OUTPUT_DETAILED=False, PLOT_CURVES=False,
                 TIME_PROGRESS=False, OUTPUT_EMPTY_CLASSES=False, LOG_ON_ERROR=None, BREAK_ON_ERROR=True)
    dataset = trackeval.datasets.MotChallenge2DBox(dict(
        GT_FOLDER=str(root / "gt"), TRACKERS_FOLDER=str(root / "trackers"), BENCHMARK="TL", SPLIT_TO_EVAL="test",
        DO_PREPROC=False, PRINT_CONFIG=False))
    metrics = [trackeval.metrics.HOTA(), trackeval.metrics.CLEAR(dict(PRINT_CONFIG=False)),
               trackeval.metrics.Identity(dict(PRINT_CONFIG=False))]
    results, _ = trackeval.Evaluator(quiet).evaluate([dataset], metrics)
    return results["MotChallenge2DBox"]["touchline"]["COMBINED_SEQ"]["pedestrian"]


def test_mot_in_trackeval(folder, tmp_path):
    trackeval = pytest.importorskip("trackeval", reason="PyPI package trackeval is not installed")
    sequence = write_truth(tmp_path, "match")
    data = tmp_path / "trackers" / "TL-test" / "touchline" / "data"
    data.mkdir(parents=True)
    (sequence / "seqinfo.ini").write_bytes((folder / "seqinfo.ini").read_bytes())
    rows = (folder / "match.mot.txt").read_text()
    (data / "match.txt").write_text(rows)
    perfect = evaluate(trackeval, tmp_path)
    assert perfect["HOTA"]["HOTA"].mean() == pytest.approx(1)
    assert perfect["CLEAR"]["MOTA"] == 1 and perfect["Identity"]["IDF1"] == 1
    # the judge is awake: a frame missing costs something
    (data / "match.txt").write_text("".join(r + "\n" for r in rows.splitlines() if not r.startswith("7,")))
    assert evaluate(trackeval, tmp_path)["CLEAR"]["MOTA"] < 0.96


def test_mot_side_files(folder):
    seq, game = configparser.ConfigParser(), configparser.ConfigParser()
    seq.read(folder / "seqinfo.ini")
    game.read(folder / "gameinfo.ini")
    assert dict(seq["Sequence"]) == dict(name="match", imdir="img1", framerate="29.97", seqlength="20", imwidth="1280",
                                         imheight="720", imext=".jpg")
    roles = {int(k.split("_")[1]): v.split(";")[0] for k, v in game["Sequence"].items() if k.startswith("trackletid_")}
    teams = {k: f" team {SIDES[t]}" for k, t in TEAMS.items()}
    assert roles == {k: NAMES[c] + teams.get(k, "") for k, c in CLASSES.items() if c != 0}
    assert int(game["Sequence"]["num_tracklets"]) == len(roles)


def test_csv_against_supervision(folder, tmp_path):
    sv = pytest.importorskip("supervision", reason="PyPI package supervision is not installed")
    import numpy

    ours = list(csv.DictReader((folder / "match.csv").open(newline="")))
    path = tmp_path / "sink.csv"
    with sv.CSVSink(str(path)) as sink:
        for frame in range(FRAMES):
            ids = numpy.array(tracks(frame))
            xywh = numpy.array([box(k, frame) for k in ids], dtype=float)
            xyxy = numpy.hstack([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]])
            detections = sv.Detections(xyxy=xyxy, confidence=1 - ids / 16, tracker_id=ids,
                                       class_id=numpy.array([CLASSES[k] for k in ids]))
            extra = dict(class_name="", filled="", frame_index=frame, pitch_x="", pitch_y="", side="", team="", time_s="")
            sink.append(detections, custom_data=extra)
    theirs = list(csv.DictReader(path.open(newline="")))
    assert list(ours[0]) == list(theirs[0])
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        for key in ("x_min", "y_min", "x_max", "y_max", "confidence"):
            assert float(a[key]) == pytest.approx(float(b[key]), abs=1e-4)
        for key in ("class_id", "tracker_id", "frame_index"):
            assert int(a[key]) == int(b[key])
        assert a["class_name"] == NAMES[int(a["class_id"])] and a["filled"] == str(int(a["frame_index"]) % 2)
        assert (a["pitch_x"] == "") == (a["tracker_id"] == "3")
        team = TEAMS.get(int(a["tracker_id"]), "")
        assert (a["team"], a["side"]) == (str(team), SIDES.get(team, ""))


def test_game_state_predictions(folder):
    """The rules of sn-trackeval's reader (SoccerNetGS), which is not on PyPI."""
    predictions = strict((folder / "SNGS-117.json").read_text())["predictions"]
    assert len(predictions) == sum(len([k for k in tracks(f) if k not in (3, 8)]) for f in range(FRAMES))
    for p in predictions:
        frame, track = int(p["image_id"][4:]) - 1, p["track_id"]
        assert p["image_id"][:4] == "3117" and len(p["image_id"]) == 10 and 0 <= frame < FRAMES
        assert p["supercategory"] == "object" and p["attributes"]["role"] in ("player", "goalkeeper", "referee")
        assert p["attributes"]["jersey"] is None and p["attributes"]["team"] == SIDES.get(TEAMS.get(track))
        place = p["bbox_pitch"]
        assert set(place) == {f"{a}_bottom_{e}" for a in "xy" for e in ("left", "middle", "right")}
        assert all(isinstance(v, (int, float)) for v in place.values())
        # centre origin, y towards the camera: the far touchline (track 1) is -34
        assert place["x_bottom_middle"] == 10 * track - 52.5
        assert place["y_bottom_middle"] == {1: -34, 2: 34}.get(track, 0)
        image = p["bbox_image"]
        assert (image["x"], image["y"], image["w"], image["h"]) == box(track, frame)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
