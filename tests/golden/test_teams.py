"""Who plays in which team, and on which side: a synthetic match against its truth, and what must hold of the clips. The bars are
below what was measured, so that they fail when something breaks and not when a figure moves."""
import json

import pytest

from records import CLIPS, iou, read, run

KEEPER, PLAYER, REFEREE = 1, 2, 3


def people(record, class_id):
    return [o for o in record["objects"] if o["class_id"] == class_id]


def side(record, person):
    if not record["left_team"] or not person["team"]:
        return None
    return "left" if person["team"] == record["left_team"] else "right"


def check_teams(records):
    """A team is 1 or 2 and never changes to the other one; whoever is no player and no goalkeeper has none."""
    teams = {}
    for r in records:
        assert r["left_team"] in (None, 1, 2)
        for o in r["objects"]:
            assert o["team"] in (None, 1, 2)
            assert o["team"] is None or o["class_id"] in (KEEPER, PLAYER)
            if o["team"] and o["class_id"] == PLAYER:
                assert teams.setdefault(o["id"], o["team"]) == o["team"], (r["frame"], o["id"])


@pytest.fixture(scope="module", params=[102, 103])
def match(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("teams")
    run("synth", "-o", folder / "clip.mp4", "--truth", folder / "truth.jsonl", "--seconds", 6, "--seed", request.param)
    run("process", folder / "clip.mp4", "-o", folder / "out.jsonl", "-o", folder / "out.csv", "-o", folder / "SNGS-001.gsr.json")
    return folder


def test_teams_are_right(match):
    """99.5 % of the players of eight matches, 1.1 % without a team."""
    truth, records = read(match / "truth.jsonl")[1], read(match / "out.jsonl")[1]
    check_teams(truth)
    check_teams(records)
    right = wrong = unknown = 0
    for t, r in zip(truth, records):
        for o in people(r, PLAYER):
            best = max((p for p in t["objects"] if p["class_id"] != 0), key=lambda p: iou(p["bbox"], o["bbox"]), default=None)
            if best and best["class_id"] == PLAYER and iou(best["bbox"], o["bbox"]) >= 0.5:
                right += o["team"] is not None and side(r, o) == side(t, best)
                wrong += o["team"] is not None and side(r, o) != side(t, best)
                unknown += o["team"] is None
    assert right > 1000
    assert wrong < 0.02 * right
    assert unknown < 0.05 * right
    assert records[0]["left_team"] is not None


def test_no_teams_without_a_pitch(match):
    """Nobody knows there who stands on it."""
    run("process", match / "clip.mp4", "-o", match / "blind.jsonl", "--skip-pitch", "--frames", "0:60")
    records = read(match / "blind.jsonl")[1]
    assert len(records) == 60 and any(people(r, PLAYER) for r in records)
    assert all(r["left_team"] is None and o["team"] is None for r in records for o in r["objects"])


def test_formats_agree(match):
    import csv
    records = read(match / "out.jsonl")[1]
    with open(match / "out.csv") as table:
        rows = list(csv.DictReader(table))
    expected = [(str(o["team"] or ""), side(r, o) or "") for r in records for o in r["objects"]]
    assert [(row["team"], row["side"]) for row in rows] == expected
    entries = json.loads((match / "SNGS-001.gsr.json").read_text())["predictions"]
    given = {(int(e["image_id"][4:]) - 1, e["track_id"]): e["attributes"]["team"] for e in entries}
    seen = 0
    for r in records:
        for o in r["objects"]:
            if (r["frame"], o["id"]) in given:
                assert given[r["frame"], o["id"]] == side(r, o)
                seen += side(r, o) is not None
    assert seen > 1000


@pytest.mark.skipif(not CLIPS.is_dir(), reason="the clips of ../shared/data are absent")
def test_a_real_match(tmp_path):
    """The team in black defends the goal on the left; the referee stays one, and no player becomes one."""
    run("process", CLIPS / "inter-napoli-720p25.mp4", "-o", tmp_path / "out.jsonl")
    records = read(tmp_path / "out.jsonl")[1]
    check_teams(records)
    players = [o for r in records for o in people(r, PLAYER)]
    assert sum(o["team"] is not None for o in players) > 0.97 * len(players)
    assert {r["left_team"] for r in records[75:]} in ({1}, {2})  # told after two seconds
    assert all(side(r, o) == "right" for r in records for o in people(r, KEEPER) if o["team"])
    referees = {}
    for r in records:
        for o in people(r, REFEREE):
            referees[o["id"]] = referees.get(o["id"], 0) + 1
    assert max(referees.values()) > 700 and len(referees) <= 3
