"""The shipped networks on synthetic matches: accuracy against the truth. The bars are well below what was measured
(docs/models.md), so that they fail when something breaks and not when a figure moves."""
import statistics

import pytest

from records import apply, check, iou, read, run


@pytest.fixture(scope="module", params=[("pan", 101), ("static", 102)], ids=["pan", "static"])
def match(request, tmp_path_factory):
    camera, seed = request.param
    folder = tmp_path_factory.mktemp("synth")
    run("synth", "-o", folder / "clip.mp4", "--truth", folder / "truth.jsonl", "--seconds", 6, "--seed", seed,
        "--camera", camera)
    run("process", folder / "clip.mp4", "-o", folder / "out.jsonl")
    return read(folder / "truth.jsonl")[1], read(folder / "out.jsonl")


def test_every_frame(match):
    truth, (head, records) = match
    assert len(records) == len(truth)
    check(head, records)


def people(record):
    return [o for o in record["objects"] if o["class_id"] != 0]


def test_people_are_found(match):
    truth, (_, records) = match
    found = wanted = given = 0
    for t, r in zip(truth, records):
        free = people(r)
        given += len(free)
        for person in people(t):
            wanted += 1
            best = max(free, key=lambda o: iou(o["bbox"], person["bbox"]), default=None)
            if best and iou(best["bbox"], person["bbox"]) >= 0.5:
                free.remove(best)
                found += 1
    assert found / wanted > 0.80
    assert found / given > 0.75


def test_ids_are_steady(match):
    truth, (_, records) = match
    seen, switches, matches = {}, 0, 0
    for t, r in zip(truth, records):
        for person in people(t):
            best = max(people(r), key=lambda o: iou(o["bbox"], person["bbox"]), default=None)
            if best and iou(best["bbox"], person["bbox"]) >= 0.5:
                matches += 1
                switches += seen.get(person["id"], best["id"]) != best["id"]
                seen[person["id"]] = best["id"]
    assert matches > 0 and switches / matches < 0.02


def test_camera_is_right(match):
    truth, (_, records) = match
    errors, answered = [], 0
    for t, r in zip(truth, records):
        answered += r["homography"] is not None
        if r["homography"] is None:
            continue
        for o in people(t):
            if o["pitch"] is None:
                continue
            x1, _, x2, y2 = o["bbox"]
            x, y = apply(r["homography"], (x1 + x2) / 2, y2)
            tx, ty = apply(t["homography"], (x1 + x2) / 2, y2)
            errors.append(((x - tx) ** 2 + (y - ty) ** 2) ** 0.5)
    assert answered / len(truth) > 0.9
    assert statistics.median(errors) < 1.0


@pytest.mark.parametrize("seed", [3001, 3002, 3003, 3004])
def test_behind_a_goal(tmp_path, seed):
    """The pitch is right, and named as from behind the left goal whichever it was."""
    run("synth", "-o", tmp_path / "clip.mp4", "--truth", tmp_path / "truth.jsonl", "--seconds", 1, "--seed", seed, "--camera", "behind")
    run("process", tmp_path / "clip.mp4", "-o", tmp_path / "out.jsonl")
    errors, (_, truth), (_, records) = [], read(tmp_path / "truth.jsonl"), read(tmp_path / "out.jsonl")
    for t, r in zip(truth, records):
        assert r["homography"] is not None
        assert apply(r["homography"], 640, 650)[0] < apply(r["homography"], 640, 400)[0]
        turned = apply(t["homography"], 640, 650)[0] > apply(t["homography"], 640, 400)[0]
        for o in people(t):
            x1, _, x2, y2 = o["bbox"]
            x, y = apply(r["homography"], (x1 + x2) / 2, y2)
            tx, ty = apply(t["homography"], (x1 + x2) / 2, y2)
            if turned:
                tx, ty = 105 - tx, 68 - ty
            errors.append(((x - tx) ** 2 + (y - ty) ** 2) ** 0.5)
    assert statistics.median(errors) < 1.0


def test_places_are_not_mirrored(match):
    """A player near the far touchline has a small y: half of the field's formats count the other way."""
    truth, (_, records) = match
    pairs = []
    for t, r in zip(truth, records):
        for person in people(t):
            best = max(people(r), key=lambda o: iou(o["bbox"], person["bbox"]), default=None)
            if best and best["pitch"] and person["pitch"] and iou(best["bbox"], person["bbox"]) >= 0.5:
                pairs.append((person["pitch"], best["pitch"]))
    assert len(pairs) > 100
    near = [abs(a[0] - b[0]) < 4 and abs(a[1] - b[1]) < 4 for a, b in pairs]
    assert sum(near) / len(near) > 0.9


def test_same_bytes_for_any_number_of_threads(tmp_path):
    run("synth", "-o", tmp_path / "clip.mp4", "--seconds", 3, "--seed", 5, "--size", "854x480")
    answers = []
    for threads in (1, 2):
        run("process", tmp_path / "clip.mp4", "-o", tmp_path / f"{threads}.jsonl", "--threads", threads)
        answers.append((tmp_path / f"{threads}.jsonl").read_bytes())
    assert answers[0] == answers[1]


@pytest.mark.parametrize("stride", [1, 3, 4])
def test_every_stride_answers_every_frame(tmp_path, stride):
    run("synth", "-o", tmp_path / "clip.mp4", "--seconds", 2, "--seed", 6, "--size", "640x360")
    run("process", tmp_path / "clip.mp4", "-o", tmp_path / "out.jsonl", "--stride", stride)
    head, records = read(tmp_path / "out.jsonl")
    assert len(records) == 50
    check(head, records)
    assert all(not r["filled"] for r in records[::stride])


def paths(records, places):
    """{id: {frame: (x, y)}} of people; places picks them from a record."""
    found = {}
    for r in records:
        for key, place in places(r):
            found.setdefault(key, {})[r["frame"]] = place
    return found


def test_speeds_are_right(match):
    """Metres that a coach can use: places from frame to frame make the speed that the player had. By the lower edge of each
    frame's own box the median error was 1.29 and 0.81 m/s (pan, static), 95 % 5.4 and 3.1; along the track it is 0.45 and
    0.33, 95 % 2.1 and 1.2."""
    truth, (head, records) = match
    given = {}
    for t, r in zip(truth, records):
        for person in people(t):
            best = max(people(r), key=lambda o: iou(o["bbox"], person["bbox"]), default=None)
            if best and best["pitch"] and person["pitch"] and iou(best["bbox"], person["bbox"]) >= 0.5:
                given.setdefault((person["id"], best["id"]), {})[t["frame"]] = (person["pitch"], best["pitch"])
    errors = []
    for frames in given.values():
        for frame in frames.keys() & {f - 1 for f in frames}:
            (true_from, seen_from), (true_to, seen_to) = frames[frame], frames[frame + 1]
            off = [(seen_to[k] - seen_from[k]) - (true_to[k] - true_from[k]) for k in (0, 1)]
            errors.append(head["fps"] * (off[0] ** 2 + off[1] ** 2) ** 0.5)
    assert len(errors) > 1000
    assert statistics.median(errors) < 0.6
    assert statistics.quantiles(errors, n=20)[-1] < 2.8


def test_nobody_flies(match):
    """The 99th percentile was 12.0 m/s under the panning camera."""
    _, (head, records) = match
    places = paths(records, lambda r: [(o["id"], o["pitch"]) for o in people(r) if o["pitch"]])
    speeds = [head["fps"] * ((p[f + 1][0] - p[f][0]) ** 2 + (p[f + 1][1] - p[f][1]) ** 2) ** 0.5
              for p in places.values() for f in p if f + 1 in p]
    assert statistics.quantiles(speeds, n=100)[-1] < 9
