"""Who is goalkeeper, player and referee: the shipped networks and the kits on a synthetic match, against its truth. The bars
are below what was measured, so that they fail when something breaks and not when a figure moves."""
import pytest

from records import iou, read, run

KEEPER, PLAYER, REFEREE = 1, 2, 3


@pytest.fixture(scope="module", params=[101, 102])
def match(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("roles")
    run("synth", "-o", folder / "clip.mp4", "--truth", folder / "truth.jsonl", "--seconds", 6, "--seed",
        request.param)
    run("process", folder / "clip.mp4", "-o", folder / "out.jsonl")
    return read(folder / "truth.jsonl")[1], read(folder / "out.jsonl")[1]


def pairs(match):
    """(true class, given class) of everybody who was found."""
    for t, r in zip(*match):
        given = [o for o in r["objects"] if o["class_id"] != 0]
        for person in t["objects"]:
            best = max(given, key=lambda o: iou(o["bbox"], person["bbox"]), default=None)
            if person["class_id"] != 0 and best and iou(best["bbox"], person["bbox"]) >= 0.5:
                yield person["class_id"], best["class_id"]


def test_classes_are_right(match):
    """By the network's votes alone no referee of the first match was called one, and 5 % of the other's players were no players;
    with the kits 99.9 % of the players and all referees are right."""
    seen = list(pairs(match))
    for class_id, least in (KEEPER, 0.8), (PLAYER, 0.97), (REFEREE, 0.9):
        given = [b for a, b in seen if a == class_id]
        assert given or class_id == KEEPER  # who is not in the picture every time
        assert not given or sum(b == class_id for b in given) / len(given) >= least, class_id


def test_nobody_flickers(match):
    last, changes = {}, {}
    for r in match[1]:
        for o in r["objects"]:
            if o["class_id"] != 0:
                changes[o["id"]] = changes.get(o["id"], 0) + (last.get(o["id"], o["class_id"]) != o["class_id"])
                last[o["id"]] = o["class_id"]
    assert max(changes.values()) <= 2
    assert sum(changes.values()) / len(changes) < 0.3
