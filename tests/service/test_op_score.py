"""`touchline score` and `diagnose`: parts of made-up answers against figures worked out here, and a real way through."""
import json
import math
import re
import signal
import subprocess

import pytest

from scripts import empty_networks
from vice_server import wait_until

EUSAGE, ENOENT, EFORMAT, EDENIED, EINTERRUPTED = 2, 3, 7, 15, 20
W, H = 1280, 720
DRAWING = [(0, 0), (0, 1450), (0, 2584), (0, 4416), (0, 5550), (0, 7000), (550, 2584), (550, 4416), (1100, 3500),
           (2015, 1450), (2015, 2584), (2015, 4416), (2015, 5550), (6000, 0), (6000, 2585), (6000, 4415), (6000, 7000),
           (9985, 1450), (9985, 2584), (9985, 4416), (9985, 5550), (10900, 3500), (11450, 2584), (11450, 4416),
           (12000, 0), (12000, 1450), (12000, 2584), (12000, 4416), (12000, 5550), (12000, 7000), (5085, 3500),
           (6915, 3500)]


@pytest.fixture
def score(binary, environment, tmp_path):
    def run(answer, *words, code=0):
        (tmp_path / "a.json").write_text(answer if isinstance(answer, str) else json.dumps(answer))
        result = subprocess.run([binary, "score", "a.json", "--json", *map(str, words)], capture_output=True, text=True,
                                cwd=tmp_path, env=environment, timeout=60)
        assert result.returncode == code, result.stderr
        if code:
            return result
        made = json.loads(result.stdout)
        made["value"] = {name: part["value"] for name, part in made["parts"].items()}
        return made
    return run


def picture_point(i, shift=0.0):
    """A picture in which the drawing lies as it is, a tenth of a pixel a centimetre, moved by shift."""
    x, y = DRAWING[i]
    return [round(20 + shift + x / 10, 2), round(10 + y / 10.5, 2)]


def frame(number, points=range(9, 24), shift=0.0, objects=None):
    keypoints = [[0, 0] for _ in range(32)]
    for i in points:
        keypoints[i] = picture_point(i, shift)
    boxes = [{"id": k, "bbox": [100 + 90 * k, 300, 125 + 90 * k, 360], "class_id": 2} for k in range(10)]
    return {"frame_number": number, "keypoints": keypoints, "objects": boxes if objects is None else objects}


def answer(frames):
    return {"challenge_id": "1", "processing_time": 1, "frames": frames}


def test_a_perfect_answer(score):
    made = score(answer([frame(i) for i in range(20)]), "--seconds", 2)
    value = made["value"]
    for name in ("coverage", "boxes", "homography", "stability", "inside"):
        assert value[name] == pytest.approx(1, abs=1e-6), name
    assert value["fit"] > 0.99  # the picture is the drawing itself
    assert value["consistency"] == pytest.approx(1 / (1 + math.exp(-0.02 / 0.0037)), rel=1e-4)
    assert value["players"] == 1 and value["on_line"] is None and made["faults"] == 0
    keypoints = (0.25 * value["fit"] + 0.4 * 0.5 + 0.2 + 0.05 + 0.1) * value["consistency"] * (value["scale"] + 1) / 2
    assert made["keypoints"] == pytest.approx(keypoints, rel=1e-5)
    assert made["boxes_ceiling"] == pytest.approx(1)
    for entry in made["speed"]:
        t, best = 2, entry["rival_s"]
        speed = 1 if t <= best else math.exp(-5 * (t - best) / (15 - best))
        assert entry["speed"] == pytest.approx(speed, rel=1e-5)
        assert entry["final_ceiling"] == pytest.approx(0.65 * (0.5 + 0.5 * keypoints) + 0.35 * speed, rel=1e-4)


def test_coverage_and_missing_frames(score):
    half = answer([frame(i) for i in range(0, 40, 2)])
    made = score(half, "--frame-count", 40)
    assert made["value"]["coverage"] == pytest.approx(0.5 / 0.7, rel=1e-5)
    assert made["value"]["homography"] == 1  # 50 % of 40 % are enough
    assert made["value"]["consistency"] == 0  # no frame has the one before it
    assert made["faults"] == 20
    few = score(answer([frame(i) for i in range(10)]), "--frame-count", 100)
    assert few["value"]["homography"] == pytest.approx(0.1 / 0.4, rel=1e-5)


def test_points_that_do_not_count(score):
    too_few = score(answer([frame(i, points=[9, 10, 11]) for i in range(5)]))
    assert too_few["value"]["homography"] == 0 and too_few["value"]["fit"] == 0
    crowded = answer([frame(i) for i in range(5)])
    for made in crowded["frames"]:
        for n, i in enumerate(range(9, 24)):
            made["keypoints"][i] = [600 + n, 300]  # all within 25 px: one counts
    assert score(crowded)["value"]["homography"] == 0
    outside = answer([frame(i) for i in range(5)])
    for made in outside["frames"]:
        made["keypoints"] = [[x + 5000, y] if (x, y) != (0, 0) else [0, 0] for x, y in made["keypoints"]]
    assert score(outside)["value"]["homography"] == 0


@pytest.mark.parametrize("px", [1, 10, 25.6, 40])
def test_consistency_of_a_pan(score, px):
    made = score(answer([frame(i, shift=px * (i % 2)) for i in range(11)]))
    expected = 1 / (1 + math.exp((px / W - 0.02) / 0.0037))
    assert made["value"]["consistency"] == pytest.approx(expected, abs=2e-3)
    assert made["value"]["stability"] == pytest.approx(1, abs=1e-3)  # distances between points stay


def test_stability_of_a_zoom(score):
    frames = [frame(0), frame(1)]
    for point in frames[1]["keypoints"]:
        point[0] *= 1.05
        point[1] *= 1.05
    assert score(answer(frames))["value"]["stability"] == pytest.approx(math.exp(-10 * 0.05), rel=1e-3)


def moving(step, frames=11):
    def boxes(i):
        return [{"id": k, "bbox": [100 + 90 * k + step * i, 300, 125 + 90 * k + step * i, 360], "class_id": 2}
                for k in range(8)]
    return answer([frame(i, objects=boxes(i)) for i in range(frames)])


@pytest.mark.parametrize("step, players", [(1, 1), (5, 0.75), (15, 1)])
def test_players_that_move(score, step, players):
    assert score(moving(step))["value"]["players"] == pytest.approx(players)


def test_players_that_jump(score):
    made = moving(0)
    for i, one in enumerate(made["frames"]):
        for item in one["objects"][:2]:  # two of eight: no cut
            item["bbox"] = [v + (0 if i % 2 else 50) * (n % 2 == 0) for n, v in enumerate(item["bbox"])]
    assert score(made)["value"]["players"] == pytest.approx((0.75 + 1) / 2)


def test_rules_of_boxes(score):
    small = [{"id": 1, "bbox": [100, 300, 110, 360], "class_id": 2}, {"id": 2, "bbox": [200, 100, 230, 180], "class_id": 2},
             {"id": 3, "bbox": [300, 300, 308, 308], "class_id": 0}]
    made = score(answer([frame(i, objects=small) for i in range(4)]))
    assert made["value"]["boxes"] == 1  # the ball stays
    assert made["parts"]["boxes"]["why"].startswith("8 of 12 boxes do not count")
    one = score(answer([frame(0, objects=[*small[1:], small[2]]), *(frame(i, objects=small[2:]) for i in range(1, 4))]))
    assert one["parts"]["boxes"]["why"].startswith("1 of 6 boxes does not count (under 15x40 px or in the top 150 px), 0 frames "
                                                   "lose all; 1 ball beyond the first of a frame counts as wrong")
    assert score(answer([frame(i, objects=small[:2]) for i in range(4)]))["value"]["boxes"] == 0
    large = [{"id": 1, "bbox": [0, 160, 900, 700], "class_id": 2}]
    assert score(answer([frame(i, objects=large) for i in range(4)]))["value"]["boxes"] < 0.01


def test_wrong_answers(score):
    assert "not JSON" in score("{", code=EFORMAT).stderr
    assert score(answer([frame(0)]), "--size", "x", code=EUSAGE)
    assert score(answer([frame(0)]), "--video", "none.mp4", code=ENOENT)
    no_list = score({"frames": {}})
    assert no_list["keypoints"] == 0 and no_list["faults"] == 1
    assert score(answer([]))["value"]["coverage"] == 0


def test_what_makes_all_keypoints_count_nothing(score):
    """Section 1.4 and 8.4 of the protocol: one frame or one object is enough."""
    def one(change, at=7):
        frames = [frame(i) for i in range(20)]
        change(frames[at])
        return score(answer(frames))
    assert one(lambda f: None)["keypoints"] > 0.5
    assert one(lambda f: f.pop("keypoints"))["keypoints"] == 0
    assert one(lambda f: f["objects"][3].pop("id"))["keypoints"] == 0
    assert one(lambda f: f.update(keypoints=[[30 * i + 1, 40] for i in range(33)]))["keypoints"] == 0
    more = one(lambda f: f["keypoints"].append([0, 0]))
    assert 0 < more["keypoints"] < one(lambda f: None)["keypoints"] and more["faults"] == 1  # two pairs do not agree
    assert one(lambda f: f.update(keypoints=[]))["keypoints"] > 0
    referee = one(lambda f: f["objects"].append({"bbox": [10, 300, 40, 360], "class_id": 3}))
    assert referee["keypoints"] > 0.5 and referee["faults"] == 1
    assert one(lambda f: f["objects"][0].pop("id"))["boxes_ceiling"] > 0.9  # boxes count all the same


def test_lines_of_a_synthetic_match(binary, environment, tmp_path, score):
    """True points lie on the lines, points 60 px beside them do not."""
    def run(*words):
        result = subprocess.run([binary, *words], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=120)
        assert result.returncode == 0, result.stderr
    run("synth", "-o", "match.mp4", "--truth", "truth.jsonl", "--seconds", "1", "--seed", "5")
    records = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()[1:]]

    def made(dx, dy):
        frames = []
        for record in records:
            points = [[round(x + dx, 2), round(y + dy, 2)] if c > 0 and (x, y) != (0, 0) else [0, 0]
                      for x, y, c in record["keypoints"]]
            frames.append({"frame_number": record["frame"], "keypoints": points,
                           "objects": [{"id": o["id"], "bbox": o["bbox"], "class_id": o["class_id"]}
                                       for o in record["objects"]]})
        return answer(frames)
    true, beside = (score(made(*d), "--video", "match.mp4", "--samples", 4) for d in ((0, 0), (25, 60)))
    assert true["faults"] == 0 and true["frames"] == 25
    assert true["value"]["on_line"] > 0.15, true["parts"]["on_line"]  # the validator's own recipe gives 0.5
    assert beside["value"]["on_line"] < 0.05, beside["parts"]["on_line"]
    assert true["value"]["homography"] == 1


# --- diagnose

@pytest.fixture
def diagnose(binary, environment, networks, tmp_path):
    def run(*words, env=None, networks=networks):
        return subprocess.run([binary, "diagnose", *map(str, words), *networks], capture_output=True, text=True,
                              cwd=tmp_path, env={**environment, "TMPDIR": str(tmp_path), **(env or {})}, timeout=120)
    return run


def steps_of(text):
    return dict(re.findall(r"^(\S.*?) +(\d+\.\d+) s$", text, re.M))


def test_diagnose_an_address(diagnose, videos, tmp_path):
    result = diagnose(videos.url("good"), "--allow-host", "127.0.0.1")
    assert result.returncode == 0, result.stderr
    steps = steps_of(result.stdout)
    for name in ("resolve", "connect", "first byte", "download", "decode alone", "load cold", "load warm", "networks",
                 "clip from disk", "challenge in all"):
        assert float(steps[name]) >= 0, name
    assert "50 frames of 320x180, 11 of them seen" in result.stdout  # five a second and the last, as serve has it
    named, seconds = re.search(r"^largest: (\S.*), ([\d.]+) s -> \S", result.stdout, re.M).groups()
    aside = ("open and first picture", "load cold", "load warm", "clip from disk", "challenge in all")
    assert float(steps[named]) == max(float(value) for name, value in steps.items() if name not in aside)
    assert list(tmp_path.iterdir()) == []  # nothing is left behind


def test_diagnose_takes_the_settings_of_the_service(diagnose, clips, videos, tmp_path):
    (tmp_path / "clip.mp4").write_bytes(clips["first"])
    networks = empty_networks(tmp_path, "512 288")
    for words, env, seen in (([], {"TOUCHLINE_PRESET": "max-speed"}, 18), (["--preset", "max-speed"], {}, 18),
                             (["--preset", "max-speed", "--stride", "10"], {}, 6)):  # every n-th and the last
        result = diagnose("clip.mp4", *words, env=env, networks=networks)
        assert result.returncode == 0 and f", {seen} of them seen" in result.stdout, result.stdout + result.stderr
    for words, several in (([], True), (["--download-workers", "1"], False)):
        result = diagnose(videos.url("slow"), "--allow-host", "127.0.0.1", *words)
        assert result.returncode == 0, result.stderr
        assert (" over 1 connection," not in result.stdout) == several, result.stdout


def test_diagnose_a_file_and_failures(diagnose, clips, videos, tmp_path):
    (tmp_path / "clip.mp4").write_bytes(clips["last"])
    result = diagnose("clip.mp4")
    assert result.returncode == 0 and "challenge in all" not in result.stdout, result.stderr
    refused = diagnose(videos.url("good"))
    assert refused.returncode == EDENIED and "private" in refused.stderr
    assert diagnose("none.mp4").returncode == ENOENT
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize("until", ["", "decode alone", "load cold"])
def test_diagnose_interrupted(binary, environment, videos, tmp_path, tmp_path_factory, until):
    """The first Ctrl-C ends it, wherever it is, and nothing is left behind. The networks are slow, so that it is never done before."""
    url, networks = videos.url("good" if until else "drip"), empty_networks(tmp_path_factory.mktemp("slow"), delay_us=300000)
    process = subprocess.Popen([binary, "diagnose", url, "--allow-host", "127.0.0.1", *map(str, networks)], text=True,
                               cwd=tmp_path, env={**environment, "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    while until and not process.stdout.readline().startswith(until):
        assert process.poll() is None
    assert until or wait_until(lambda: videos.requests(url))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == EINTERRUPTED, errors
    assert list(tmp_path.iterdir()) == []
