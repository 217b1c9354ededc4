"""detect, synth, models, doctor, and networks that cannot be used."""
import json
import re
import shutil
import signal
import subprocess

import pytest

from conftest import NAMES, Networks, assert_fails, ffmpeg, read_jsonl, test_source


# --- a protobuf writer of a dozen lines, enough for an ONNX graph with an input and an output

def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number, payload):
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    payload = payload.encode() if isinstance(payload, str) else payload
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def value_info(name, shape):
    dims = b"".join(field(1, field(1, d)) for d in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))  # float tensor


def onnx(input_shape, output_shape):
    node = field(1, "x") + field(2, "y") + field(4, "Relu")
    graph = field(1, node) + field(2, "g") + field(11, value_info("x", input_shape)) + field(12, value_info("y", output_shape))
    return field(1, 8) + field(7, graph) + field(8, field(2, 13))


def wrong_networks():
    return {
        "empty.onnx": b"",
        "text.onnx": b"not a network at all\n",
        "noise.onnx": bytes((i * i * 7919 >> 5) & 255 for i in range(5000)),
        "cut.onnx": onnx([1, 3, 64, 64], [1, 3, 64, 64])[:40],
        "other.onnx": onnx([1, 3, 64, 64], [1, 3, 64, 64]),
        "vector.onnx": onnx([1, 10], [1, 10]),
    }


@pytest.mark.parametrize("name", sorted(wrong_networks()))
@pytest.mark.parametrize("option", ["--player-model", "--pitch-model"])
def test_networks_that_cannot_be_used(touchline, networks, clip, name, option):
    (touchline.folder / name).write_bytes(wrong_networks()[name])
    result = touchline("process", clip, *networks.options, option, name, "-o", "out.jsonl")
    assert_fails(result, "EMODEL", *([name] if name not in ("other.onnx", "vector.onnx") else []))
    assert touchline.files() == [name]


def test_network_that_is_not_there(touchline, networks, clip):
    result = touchline("process", clip, *networks.options, "--player-model", "none.onnx")
    assert_fails(result, "ENOENT", "none.onnx")
    result = touchline("process", clip, env={"TOUCHLINE_MODELS": str(touchline.folder), "TOUCHLINE_PLAYER_MODEL": "x"})
    assert_fails(result, "ENOENT", "'x'")


def test_unknown_backend(touchline, networks, clip):
    assert_fails(touchline("process", clip, *networks.options, "--backend", "tensorflow"), "EUSAGE", "openvino")


def test_nan_from_a_network_is_dropped(touchline, clip):
    nets = Networks(touchline.folder, "touchline-script 1\nhead centers\nsize 640 384\nloop\nframe\nnan\n",
                    "touchline-script 1\nhead points\nsize 480 288\nloop\nframe\nnan\n")
    result = touchline("process", clip, *nets.options, "-o", "-")
    assert result.returncode == 0, result.stderr
    assert not any("nan" in line.lower() for line in result.stdout.splitlines()[1:])
    records = [json.loads(line) for line in result.stdout.splitlines()[1:]]
    assert len(records) == 50 and not any(r["objects"] for r in records)
    assert all(point == [0, 0, 0] for r in records for point in r["keypoints"])


def test_network_that_fails(touchline, clip):
    nets = Networks(touchline.folder, "touchline-script 1\nhead centers\nsize 640 384\nframe 5\nfail\n")
    result = touchline("process", clip, *nets.options, "--stride", "1", "-o", "out.jsonl")
    assert_fails(result, "EBACKEND")
    assert touchline.files() == ["pitch.script", "player.script"]


# --- detect

def test_detect(touchline, networks):
    (touchline.folder / "pictures").mkdir()
    ffmpeg(*test_source("640x360", seconds=0.12), touchline.folder / "pictures" / "b%d.png")
    (touchline.folder / "pictures" / "b3.png").rename(touchline.folder / "pictures" / "b10.png")
    ffmpeg(*test_source("640x360", seconds=0.04), touchline.folder / "a.jpg")
    (touchline.folder / "pictures" / "notes.txt").write_text("no picture")
    result = touchline("detect", "a.jpg", "pictures", *networks.options)
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["image"] for line in lines] == ["a.jpg", "pictures/b1.png", "pictures/b2.png", "pictures/b10.png"]
    for line in lines:
        assert list(line) == ["image", "width", "height", "objects", "keypoints", "homography"]
        assert (line["width"], line["height"], line["homography"]) == (640, 360, None)
        assert len(line["keypoints"]) == 32
        for item in line["objects"]:
            assert list(item) == ["class_id", "class", "bbox", "score"]
            assert (item["class_id"], item["class"]) == (2, "player")
    assert len(lines[0]["objects"]) == 2


def test_detect_takes_any_number_of_pictures(touchline, networks):
    ffmpeg(*test_source("64x64", seconds=0.04), touchline.folder / "a.png")
    for i in range(500):
        (touchline.folder / f"p{i:03}.png").symlink_to("a.png")
    names = sorted(p.name for p in touchline.folder.glob("p*.png"))
    result = touchline("detect", *networks.options, "--", *names)
    assert result.returncode == 0, result.stderr
    assert [json.loads(line)["image"] for line in result.stdout.splitlines()] == names


def test_detect_places_people_on_the_pitch(touchline, match):
    path, truth, nets = match
    ffmpeg("-i", path, "-frames:v", "1", touchline.folder / "a.png")
    result = touchline("detect", "a.png", *nets.options)
    assert result.returncode == 0, result.stderr
    line = json.loads(result.stdout)
    assert line["homography"] and line["objects"]
    for item in line["objects"]:
        true = min(truth[0]["objects"], key=lambda o: max(abs(a - b) for a, b in zip(o["bbox"], item["bbox"])))
        if item["class"] != "ball":
            assert max(abs(a - b) for a, b in zip(item["pitch"], true["pitch"])) < 2


def picture_of(homography, x, y):
    """Where a place on the pitch lies in the picture: the adjugate of the 3x3 undoes it up to scale."""
    a, b, c, d, e, f, g, h, i = homography
    rows = ((e * i - f * h, c * h - b * i, b * f - c * e), (f * g - d * i, a * i - c * g, c * d - a * f), (d * h - e * g, b * g - a * h, a * e - b * d))
    u, v, w = (r[0] * x + r[1] * y + r[2] for r in rows)
    return u / w, v / w


def test_detect_doubts_who_is_off_the_pitch(touchline, match):
    """A linesman on the line is believed, staff and spare balls farther out half as much, and go when that is too little; so is a ball on a
    penalty mark."""
    path, truth, nets = match
    ffmpeg("-i", path, "-frames:v", "1", touchline.folder / "a.png")
    line = json.loads(touchline("detect", "a.png", *nets.options).stdout)
    inside = len(line["objects"])
    feet = [o for o in line["objects"] if o["class"] != "ball"]
    x = sorted(o["pitch"][0] for o in feet)[len(feet) // 2]
    script = nets.player.read_text().split("frame")[:2]
    added = [("referee", x, -0.7, 0.9, 0.9), ("player", x + 4, -4, 0.9, 0.45), ("goalkeeper", x - 4, -4, 0.55, None),
             ("ball", x + 8, -3, 0.7, 0.35), ("ball", 11, 34, 0.8, 0.56)]
    for name, gx, gy, score, _ in added:
        u, v = picture_of(line["homography"], gx, gy)
        box = [u - 4, v - 4, u + 4, v + 4] if name == "ball" else [u - 5, v - 24, u + 5, v]
        script[1] += "box " + " ".join(map(str, [name, *box, score])) + "\n"
    (touchline.folder / "more.script").write_text("frame".join(script))
    result = touchline("detect", "a.png", "--player-model", "more.script", "--pitch-model", nets.pitch, "--conf", "0.3")
    assert result.returncode == 0, result.stderr
    objects = json.loads(result.stdout)["objects"]
    assert [o["score"] for o in objects] == sorted((o["score"] for o in objects), reverse=True)

    for name, gx, gy, _, expected in added:
        near = [round(o["score"], 2) for o in objects if o["class"] == name and o.get("pitch") and
                max(abs(o["pitch"][0] - gx), abs(o["pitch"][1] - gy)) < 0.5]
        assert near == ([expected] if expected else []), name
    assert len(objects) == inside + 4


def test_detect_answers_the_first_picture_of_a_video(touchline, networks, clip):
    result = touchline("detect", clip, *networks.options)
    assert result.returncode == 0 and len(result.stdout.splitlines()) == 1
    assert "is a video: only its first picture" in result.stderr
    assert "is a video" not in touchline("detect", clip, *networks.options, "-q").stderr


def test_detect_into_a_pipe_that_closes(touchline, networks):
    ffmpeg(*test_source("64x64", seconds=0.04), touchline.folder / "a.png")
    process = touchline.start("detect", *["a.png"] * 60, *networks.options)
    process.stdout.readline()
    process.stdout.close()
    assert (process.stderr.read(), process.wait(60)) == ("", 4)


def test_min_score_lowers_the_threshold(touchline):
    nets = Networks(touchline.folder, "touchline-script 1\nhead centers\nsize 640 384\nloop\nframe\n"
                    "box player 100 100 120 160 0.9\nbox player 300 120 320 180 0.01\n")
    ffmpeg(*test_source("640x384", seconds=0.04), touchline.folder / "a.png")
    counts = []
    for arguments in ([], ["--min-score", "0.001"], ["--min-score", "0.95"]):
        result = touchline("detect", "a.png", *nets.options, *arguments)
        assert result.returncode == 0, result.stderr
        counts.append(len(json.loads(result.stdout)["objects"]))
    assert counts == [1, 2, 0]


def test_detect_writes_whole_or_not_at_all(touchline, networks):
    ffmpeg(*test_source("64x64", seconds=0.04), touchline.folder / "a.png")
    (touchline.folder / "bad.png").write_bytes(b"\x89PNG but no more")
    result = touchline("detect", "bad.png", "bad.png", *networks.options, "-o", "out.jsonl")
    assert result.returncode == 7 and "bad.png" in result.stderr.splitlines()[-1]
    assert touchline.files() == ["a.png", "bad.png"]
    assert_fails(touchline("detect", "none.png", *networks.options), "ENOENT", "none.png")
    assert touchline("detect", "a.png", *networks.options, "-o", "out.jsonl").returncode == 0
    assert_fails(touchline("detect", "a.png", *networks.options, "-o", "out.jsonl"), "EEXIST", "out.jsonl")
    assert touchline("detect", "a.png", *networks.options, "-yo", "out.jsonl").returncode == 0


def test_detect_goes_on_behind_a_damaged_picture(touchline, networks):
    folder = touchline.folder / "in"
    folder.mkdir()
    ffmpeg(*test_source("64x64", seconds=0.12), folder / "%d.png")
    (folder / "1.png").write_bytes(b"\x89PNG but no more")
    (folder / "2.jpg").write_bytes(b"")
    result = touchline("detect", "in", *networks.options)
    assert result.returncode == 0, result.stderr
    assert [json.loads(line)["image"] for line in result.stdout.splitlines()] == ["in/2.png", "in/3.png"]
    warnings = [line for line in result.stderr.splitlines() if line.startswith("warning: picture left out: ")]
    assert len(warnings) == 2 and "in/1.png" in warnings[0] and "in/2.jpg" in warnings[1]
    assert re.fullmatch(r"wrote standard output: 2 pictures in .*, 2 left out", result.stderr.splitlines()[-1])


def test_detect_refuses_endings_that_it_does_not_write(touchline, networks):
    ffmpeg(*test_source("64x64", seconds=0.04), touchline.folder / "a.png")
    for name in ("d.csv", "d.CSV", "d.json", "d.gsr.json", "d.txt", "d.mp4", "d.png"):
        assert_fails(touchline("detect", "a.png", *networks.options, "-o", name), "EUSAGE", "JSON Lines", name)
    assert touchline.files() == ["a.png"]
    for name in ("d.JSONL", "d.ndjson", "plain", "/dev/null"):
        assert touchline("detect", "a.png", *networks.options, "-o", name).returncode == 0


def test_half_a_picture_is_refused(touchline, networks):
    """A cut JPEG is not taken for a picture with a grey or green rest."""
    ffmpeg("-f", "lavfi", "-i", "mandelbrot=size=640x360", "-frames:v", "1", touchline.folder / "a.jpg")
    ffmpeg("-i", touchline.folder / "a.jpg", touchline.folder / "b.png")
    for path in sorted(touchline.folder.iterdir()):
        whole = path.read_bytes()
        assert touchline("detect", path.name, *networks.options).returncode == 0
        for share in (0.5, 0.95):
            path.write_bytes(whole[:int(share * len(whole))])
            assert_fails(touchline("detect", path.name, *networks.options), "EFORMAT", path.name)
    (touchline.folder / "in").mkdir()
    ffmpeg("-f", "lavfi", "-i", "mandelbrot=size=640x360", "-frames:v", "3", touchline.folder / "in" / "%d.jpg")
    path = touchline.folder / "in" / "2.jpg"
    path.write_bytes(path.read_bytes()[:5000])
    result = touchline("process", "in", *networks.options, "--stride", "1", "-o", "out.jsonl")
    assert result.returncode == 0 and "frame 1 left out" in result.stderr, result.stderr


def test_a_folder_goes_on_behind_its_damaged_pictures(touchline, networks):
    """Also when the first ones are damaged; what is left keeps its numbers. Nothing at all is an error."""
    folder = touchline.folder / "in"
    folder.mkdir()
    ffmpeg(*test_source("640x360", seconds=0.24), "-start_number", "0", folder / "%d.jpg")
    for i, data in ((0, b""), (1, b"no picture"), (4, (folder / "4.jpg").read_bytes()[:1000])):
        (folder / f"{i}.jpg").write_bytes(data)
    result = touchline("process", "in", *networks.options, "--stride", "1", "-o", "out.jsonl", "--overlay", "out.mp4")
    assert result.returncode == 0, result.stderr
    warnings = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
    assert [re.match(r"warning: frame (\d) left out: .*in/(\d)\.jpg", line).groups() for line in warnings] == [
        (i, i) for i in "014"]
    assert ": 4 frames in " in result.stderr
    _, records = read_jsonl(touchline.folder / "out.jsonl")
    assert [(r["frame"], r["time"], r["filled"]) for r in records] == [(2, 0.08, False), (3, 0.12, False), (4, 0.16, True),
                                                                      (5, 0.2, False)]
    for i in (2, 3, 5):
        (folder / f"{i}.jpg").write_bytes(b"\xff\xd8")
    result = touchline("process", "in", *networks.options, "-o", "none.jsonl")
    assert result.returncode != 0 and "in/5.jpg" in result.stderr.splitlines()[-1]
    assert not (touchline.folder / "none.jsonl").exists()


# --- synth

def test_synth(touchline):
    arguments = ["--seconds", "0.4", "--fps", "25", "--size", "640x360", "--players", "14"]
    assert touchline("synth", "-o", "a.mp4", "--truth", "a.jsonl", *arguments, "--seed", "3").returncode == 0
    assert touchline("synth", "-o", "b.mp4", "--truth", "b.jsonl", *arguments, "--seed", "3").returncode == 0
    assert touchline("synth", "-o", "c.mp4", "--truth", "c.jsonl", *arguments, "--seed", "4").returncode == 0
    header, truth = read_jsonl(touchline.folder / "a.jsonl")
    assert (header["width"], header["height"], header["fps"], len(truth)) == (640, 360, 25, 10)
    assert {NAMES[item["class_id"]] for r in truth for item in r["objects"]} >= {"player"}
    assert all(r["homography"] for r in truth)
    same = (touchline.folder / "a.jsonl").read_bytes() == (touchline.folder / "b.jsonl").read_bytes()
    other = (touchline.folder / "a.jsonl").read_bytes() == (touchline.folder / "c.jsonl").read_bytes()
    assert same and not other
    assert (touchline.folder / "a.mp4").read_bytes() == (touchline.folder / "b.mp4").read_bytes()
    assert_fails(touchline("synth", "-o", "a.mp4", *arguments), "EEXIST", "a.mp4")
    assert_fails(touchline("synth", "-o", "d.mp4", "--truth", "a.jsonl", *arguments), "EEXIST", "a.jsonl")
    assert touchline.files() == ["a.jsonl", "a.mp4", "b.jsonl", "b.mp4", "c.jsonl", "c.mp4"]


def test_truth_takes_the_format_of_its_ending(touchline):
    arguments = ["--seconds", "0.2", "--size", "320x180", "-y", "-o", "a.mp4"]
    assert touchline("synth", *arguments, "--truth", "a.csv").returncode == 0
    assert (touchline.folder / "a.csv").read_text().startswith("x_min,y_min,")
    assert touchline("synth", *arguments, "--truth", "a.json").returncode == 0
    assert len(json.loads((touchline.folder / "a.json").read_text())["frames"]) == 5


@pytest.mark.parametrize("camera", ["pan", "static", "cut"])
def test_synth_cameras(touchline, camera):
    result = touchline("synth", "-o", "a.mp4", "--truth", "a.jsonl", "--seconds", "6", "--fps", "5", "--size",
                       "320x180", "--camera", camera)
    assert result.returncode == 0, result.stderr
    views = [tuple(r["homography"]) if r["homography"] else None for r in read_jsonl(touchline.folder / "a.jsonl")[1]]
    assert len(views) == 30
    assert (len(set(views)) == 1) == (camera == "static")


# --- models and doctor

def test_doctor_says_what_is_wrong(touchline):
    result = touchline("doctor", "--player-model", "none.onnx")
    assert_fails(result, "ENOENT", "wrong")
    assert re.search(r"^WRONG  players +.*none\.onnx", result.stdout, re.M)
    assert re.search(r"^ +-> ", result.stdout, re.M)
    for topic in ("version", "processor", "memory", "video", "backend", "pitch", "cache"):
        assert re.search(rf"^\w+ +{topic} ", result.stdout, re.M), topic


def test_doctor_is_content(touchline, networks):
    result = touchline("doctor", *networks.options)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "WRONG" not in result.stdout
    assert re.search(r"^ok     networks +loaded", result.stdout, re.M)


def test_doctor_tells_that_the_cache_cannot_be_written(touchline, networks):
    result = touchline("doctor", *networks.options, "--cache-dir", "/proc/none")
    assert result.returncode == 0
    assert re.search(r"^note   cache +/proc/none", result.stdout, re.M)


def test_models(touchline):
    result = touchline("models")
    if result.returncode:
        assert_fails(result, "EMODEL", "TOUCHLINE_MODELS")
        pytest.skip("no shipped networks here")
    for word in ("players.onnx", "pitch.onnx", "sha256", "tensors", "licence"):
        assert word in result.stdout


def test_models_of_another_folder(touchline):
    (touchline.folder / "players.onnx").write_bytes(onnx([1, 3, 64, 64], [1, 3, 64, 64]))
    (touchline.folder / "players.md").write_text("# Players\n\nLicence: CC BY 4.0\n- **Data**: two sets\n\n| a | b: c |\n|---|---|\n"
                                                  "A camera\nbehind the goal: points are wrong\n")
    result = touchline("models", env={"TOUCHLINE_MODELS": str(touchline.folder)})
    assert result.returncode == 0, result.stderr
    assert "Licence              CC BY 4.0" in result.stdout
    assert "Data                 two sets" in result.stdout
    assert "x f32 [N,3,64,64]" in result.stdout or "x f32 [1,3,64,64]" in result.stdout
    assert "b: c" not in result.stdout and "points are wrong" not in result.stdout
    (touchline.folder / "players.onnx").write_bytes(b"broken")
    assert_fails(touchline("models", env={"TOUCHLINE_MODELS": str(touchline.folder)}), "EMODEL", "players.onnx")


# --- eval and bench

def write_labels(folder, names, scores):
    (folder / "labels").mkdir()
    rows = []
    for name in names:
        (folder / "labels" / f"{name}.txt").write_text("2 0.25 0.25 0.1666667 0.1666667\n2 0.75 0.75 0.1666667 0.1666667\n")
        boxes = [[100, 100, 200, 200], [400, 400, 500, 500]]
        rows.append(json.dumps({"image": f"{name}.jpg", "width": 600, "height": 600, "keypoints": [[0, 0, 0]] * 32,
                                "homography": None,
                                "objects": [{"class_id": 2, "bbox": b, "score": s} for b, s in zip(boxes, scores)]}))
    (folder / "seen.jsonl").write_text("\n".join(rows) + "\n")


def shipped_thresholds(touchline):
    text = touchline("models").stdout.split("players.onnx\n", 1)[1]
    return re.search(r"^  thresholds +(\S+)", text, re.M)[1]


def test_eval_works_at_the_thresholds_of_the_network(touchline):
    shipped = shipped_thresholds(touchline)
    player = float(shipped.split(",")[2])
    write_labels(touchline.folder, ["a_1", "a_2"], [player + 0.01, player - 0.01])
    plain = touchline("eval", "detections", "seen.jsonl", "labels", "--json")
    assert plain.returncode == 0, plain.stderr
    assert plain.stdout == touchline("eval", "detections", "seen.jsonl", "labels", "--json", "--thresholds", shipped).stdout
    rows = json.loads(plain.stdout)["rows"]
    assert [row["name"] for row in rows] == ["all", "a"]
    assert rows[0]["player"]["recall"] == 0.5
    low = touchline("eval", "detections", "seen.jsonl", "labels", "--json", "--thresholds", "0,0,0,0").stdout
    assert json.loads(low)["rows"][0]["player"]["recall"] == 1
    assert_fails(touchline("eval", "detections", "seen.jsonl", "labels", "--thresholds", "1,2"), "EUSAGE", "auto or four")


def test_eval_tells_pictures_without_prediction(touchline):
    write_labels(touchline.folder, ["a_1", "a_2", "b_1"], [0.9, 0.9])
    lines = (touchline.folder / "seen.jsonl").read_text().splitlines()
    whole = touchline("eval", "detections", "seen.jsonl", "labels")
    assert whole.returncode == 0 and whole.stderr == ""
    (touchline.folder / "seen.jsonl").write_text(lines[0] + "\n")
    result = touchline("eval", "detections", "seen.jsonl", "labels", "--json")
    assert result.returncode == 0
    assert result.stderr == "2 labelled pictures have no prediction: counted as if nothing was found\n"
    rows = {row["name"]: row for row in json.loads(result.stdout)["rows"]}
    assert [rows[k]["without_prediction"] for k in ("all", "a", "b")] == [2, 1, 1]


def test_eval_without_homography_prints_no_figures(touchline):
    write_labels(touchline.folder, ["a_1", "a_2"], [0.9, 0.9])
    point = "0.5 0.5 2 " * 4 + "0 0 0 " * 28
    for path in (touchline.folder / "labels").iterdir():
        path.write_text(f"0 0.5 0.5 1 1 {point}\n")
    result = touchline("eval", "detections", "seen.jsonl", "labels")
    assert result.returncode == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines() if line.split()[0] in ("all", "a")]
    assert rows == [["all", "2", "0", "8", "0", "-", "-", "-", "-"], ["a", "2", "0", "8", "0", "-", "-", "-", "-"]]


def test_eval_prints_one_row_for_matches_of_one_picture(touchline):
    write_labels(touchline.folder, ["a_1", "b_1", "c"], [0.9, 0.8])
    result = touchline("eval", "detections", "seen.jsonl", "labels", "--json")
    assert [row["name"] for row in json.loads(result.stdout)["rows"]] == ["all"]
    assert len(touchline("eval", "detections", "seen.jsonl", "labels").stdout.splitlines()) == 5


def test_bench(touchline, networks, clip):
    result = touchline("bench", "--video-path", clip, "--quick", *networks.options, "--json", "b.json", "--csv", "b.csv")
    assert result.returncode == 0, result.stderr
    assert "1/6: batch=auto stride=auto img_size=auto prefetch=64" in result.stderr
    assert len(json.loads((touchline.folder / "b.json").read_text())["results"]) == 6


def test_interrupted_bench_keeps_what_is_finished(touchline, clip):
    nets = Networks(touchline.folder, "touchline-script 1\nhead centers\nsize 640 384\ndelay_us 5000\nloop\nframe\n")
    process = touchline.start("bench", "--video-path", clip, "--repeats", "7", *nets.options, "--json", "b.json",
                              "--csv", "b.csv")
    for line in process.stderr:
        if line.startswith("3/"):
            break
    process.send_signal(signal.SIGINT)
    assert (process.wait(60), "interrupted after" in process.stderr.read()) == (20, True)
    rows = json.loads((touchline.folder / "b.json").read_text())["results"]
    assert 2 <= len(rows) < 15 and all(row["ok"] for row in rows)
    assert len((touchline.folder / "b.csv").read_text().splitlines()) == len(rows) + 1
