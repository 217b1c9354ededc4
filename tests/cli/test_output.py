"""Outputs: names, formats, refusal to overwrite, failures while writing, progress, interruption."""
import csv
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import time

import pytest

from conftest import Networks, assert_fails, error_of, ffmpeg, read_jsonl, test_source

SLOW = "touchline-script 1\nhead centers\nsize 640 384\ndelay_us 200000\nloop\nframe\nbox player 10 10 30 60 0.9\n"


def test_default_name_is_the_stem_in_the_working_directory(touchline, networks, clip):
    result = touchline("process", clip, *networks.options)
    assert result.returncode == 0
    assert touchline.files() == ["clip.jsonl"]
    assert re.fullmatch(r"wrote clip\.jsonl: 50 frames in \d+\.\d+ s \(\d+\.\d+ fps\)", result.stderr.splitlines()[-1])
    assert result.stdout == ""


def test_format_names_the_default_file(touchline, networks, clip):
    assert touchline("process", clip, *networks.options, "--format", "csv").returncode == 0
    assert touchline.files() == ["clip.csv"]


def test_existing_files_are_refused_before_anything_is_done(touchline, networks, clip):
    (touchline.folder / "clip.jsonl").write_text("precious")
    started = time.monotonic()
    for arguments in ([], ["-n"], ["-o", "clip.jsonl"], ["-o", "new.csv", "-o", "clip.jsonl"]):
        assert_fails(touchline("process", clip, *networks.options, *arguments), "EEXIST", "clip.jsonl", "-y")
    assert (touchline.folder / "clip.jsonl").read_text() == "precious"
    assert touchline.files() == ["clip.jsonl"]
    assert touchline("process", clip, *networks.options, "-y").returncode == 0
    assert len(read_jsonl(touchline.folder / "clip.jsonl")[1]) == 50


def test_several_outputs_in_one_run(touchline, match):
    path, truth, nets = match
    result = touchline("process", path, *nets.options, "--stride", "1", "-o", "a.jsonl", "-o", "a.csv", "-o", "a.json",
                       "--overlay", "a.mp4", "--map", "a.png")
    assert result.returncode == 0, result.stderr
    assert touchline.files() == ["a.csv", "a.json", "a.jsonl", "a.mp4", "a.png"]
    assert result.stderr.splitlines()[-1].startswith("wrote a.jsonl, a.csv, a.json, a.mp4 and a.png: 50 frames")
    header, records = read_jsonl(touchline.folder / "a.jsonl")
    assert header["source"] == str(path)
    rows = list(csv.DictReader((touchline.folder / "a.csv").open()))
    assert len(rows) == sum(len(r["objects"]) for r in records)
    json.loads((touchline.folder / "a.json").read_text())
    assert (touchline.folder / "a.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    if shutil.which("ffprobe"):
        probe = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v", "-show_entries",
                                "stream=width,height,codec_name,pix_fmt,nb_read_frames", "-of", "json",
                                touchline.folder / "a.mp4"], capture_output=True, text=True, check=True)
        stream = json.loads(probe.stdout)["streams"][0]
        assert (stream["width"], stream["height"], stream["codec_name"], stream["pix_fmt"]) == (1280, 720, "h264", "yuv420p")
        assert stream["nb_read_frames"] == "50"


def test_repeated_pictures_are_all_written(touchline, match):
    path, _, nets = match
    result = touchline("process", path, *nets.options, "--frames", ":10", "--map", "a.png", "--map", "b.mp4", "--map", "",
                       "--overlay", "c.mp4", "--overlay", "d.mp4", "-q")
    assert result.returncode == 0, result.stderr
    assert touchline.files() == ["a.png", "b.mp4", "c.mp4", "d.mp4"]
    assert (touchline.folder / "c.mp4").read_bytes() == (touchline.folder / "d.mp4").read_bytes()


def test_endings_in_capitals(touchline, match):
    path, _, nets = match
    result = touchline("process", path, *nets.options, "--frames", ":10", "--map", "A.PNG", "--map", "B.MP4",
                       "--overlay", "C.MP4", "-o", "D.CSV", "-o", "E.GSR.JSON", "-o", "F.MOT.TXT", "-q")
    assert result.returncode == 0, result.stderr
    assert touchline.files() == ["A.PNG", "B.MP4", "C.MP4", "D.CSV", "E.GSR.JSON", "F.MOT.TXT", "gameinfo.ini",
                                 "seqinfo.ini"]
    assert (touchline.folder / "A.PNG").read_bytes().startswith(b"\x89PNG")
    assert (touchline.folder / "B.MP4").read_bytes()[4:8] == b"ftyp"
    assert "name=F\n" in (touchline.folder / "seqinfo.ini").read_text()


def test_endings_choose_pictures(touchline, match):
    path, _, nets = match
    result = touchline("process", path, *nets.options, "-o", "seen.mp4", "-o", "paths.png", "-q")
    assert result.returncode == 0, result.stderr
    assert touchline.files() == ["paths.png", "seen.mp4"]
    assert result.stderr == ""


def test_folder_as_output(touchline, networks, clip):
    (touchline.folder / "results").mkdir()
    assert touchline("process", clip, *networks.options, "-o", "results/").returncode == 0
    assert touchline("process", clip, *networks.options, "-o", "results", "--format", "mot").returncode == 0
    names = sorted(p.name for p in (touchline.folder / "results").iterdir())
    assert len(names) >= 2 and "clip.jsonl" in names


def test_folder_as_overlay_and_map(touchline, match):
    path, _, nets = match
    (touchline.folder / "seen").mkdir()
    result = touchline("process", path, *nets.options, "--overlay", "seen", "--map", "seen/", "-q")
    assert result.returncode == 0, result.stderr
    assert sorted(p.name for p in (touchline.folder / "seen").iterdir()) == ["match.mp4", "match.png"]


def test_working_directory_as_input_is_named_after_the_folder(touchline, networks):
    (touchline.folder / "derby").mkdir()
    ffmpeg(*test_source("64x64", seconds=0.12), touchline.folder / "derby" / "%d.png")
    (touchline.folder / "derby" / "out").mkdir()
    result = subprocess.run([touchline.binary, "process", ".", *map(str, networks.options), "-o", "out", "-q"],
                            cwd=touchline.folder / "derby", env=touchline.environment)
    assert result.returncode == 0
    assert [p.name for p in (touchline.folder / "derby" / "out").iterdir()] == ["derby.jsonl"]


def test_clip_without_a_pitch_says_so(touchline, networks, clip, match):
    result = touchline("process", clip, *networks.options, "-o", "a.jsonl")
    assert "no pitch was seen in 50 of 50 frames: no metres\n" in result.stderr
    result = touchline("process", clip, *networks.options, "-o", "a.png")
    assert "no pitch was seen in 50 of 50 frames: no metres, and the map is empty\n" in result.stderr
    assert "no pitch" not in touchline("process", clip, *networks.options, "-o", "b.jsonl", "--skip-pitch").stderr
    path, _, nets = match
    result = touchline("process", path, *nets.options, "-o", "c.jsonl", "-v")
    found = re.search(r"pitch in (\d+) of 50 frames, (\d+\.\d) people a frame, (\d+) ids, ball in (\d+) %", result.stderr)
    assert found and int(found[1]) > 40 and "no pitch" not in result.stderr
    records = read_jsonl(touchline.folder / "c.jsonl")[1]
    people = [[o["id"] for o in r["objects"] if o["class_id"]] for r in records]
    assert float(found[2]) == pytest.approx(sum(map(len, people)) / 50, abs=0.06)
    assert int(found[3]) == len({i for row in people for i in row})


def test_spent_time_budget_names_the_first_frame_without_networks(touchline, clip):
    nets = Networks(touchline.folder, SLOW.replace("200000", "60000"))
    result = touchline("process", clip, *nets.options, "--stride", "1", "--time-budget", "1", "-o", "a.jsonl")
    assert result.returncode == 0, result.stderr
    last = max(r["frame"] for r in read_jsonl(touchline.folder / "a.jsonl")[1] if not r["filled"])
    if last == 49:
        assert "time budget" not in result.stderr
    else:
        assert f"warning: the time budget ran out: the networks saw no frame from {last + 1} on" in result.stderr


def test_data_goes_to_standard_output(touchline, networks, clip):
    result = touchline("process", clip, *networks.options, "-o", "-")
    assert result.returncode == 0
    assert len([json.loads(line) for line in result.stdout.splitlines()]) == 51
    assert touchline.files() == []


def test_answers_are_the_truth(touchline, match):
    """With networks that see everything, every frame gets the true boxes, ids that last, metres and homography."""
    path, truth, nets = match
    result = touchline("process", path, *nets.options, "--stride", "1", "--pitch-stride", "1", "-o", "out.jsonl")
    assert result.returncode == 0, result.stderr
    header, records = read_jsonl(touchline.folder / "out.jsonl")
    assert (header["width"], header["height"], header["fps"]) == (1280, 720, 25)
    assert len(records) == len(truth)
    wanted = matched = 0
    metres, identities = [], {}
    for record, true in zip(records, truth):
        for item in true["objects"]:
            wanted += 1
            near = [o for o in record["objects"] if o["class_id"] == item["class_id"]
                    and max(abs(a - b) for a, b in zip(o["bbox"], item["bbox"])) < 6]
            if not near:
                continue
            matched += 1
            identities.setdefault(item["id"], set()).add(near[0]["id"])
            if near[0]["pitch"] and item["pitch"] and item["class_id"] != 0:
                metres.append(max(abs(a - b) for a, b in zip(near[0]["pitch"], item["pitch"])))
    assert matched > 0.9 * wanted
    assert sum(len(ids) == 1 for ids in identities.values()) > 0.8 * len(identities)
    assert sum(r["homography"] is not None for r in records) > 0.9 * len(records)
    metres.sort()
    assert metres and metres[len(metres) // 2] < 0.5


def test_stride_fills_the_frames_between(touchline, match):
    path, truth, nets = match
    result = touchline("process", path, *nets.options, "--stride", "5", "-o", "out.jsonl")
    assert result.returncode == 0, result.stderr
    _, records = read_jsonl(touchline.folder / "out.jsonl")
    assert [r["frame"] for r in records] == list(range(len(truth)))
    assert [r["filled"] for r in records[:11]] == [i % 5 != 0 for i in range(11)]


def test_without_tracking_no_ids_and_nothing_filled(touchline, match):
    """As the help of --no-tracking and TlObject.id say."""
    path, _, nets = match
    result = touchline("process", path, *nets.options, "--stride", "5", "--no-tracking", "-o", "out.jsonl", "-q")
    assert result.returncode == 0, result.stderr
    _, records = read_jsonl(touchline.folder / "out.jsonl")
    assert {o["id"] for r in records for o in r["objects"]} == {-1}
    assert [bool(r["objects"]) for r in records] == [not r["filled"] for r in records]
    words = " ".join(touchline("help", "process").stdout.split())
    assert "no ids (-1 everywhere) and nothing filled in" in words


def test_example_with_jq_skips_the_head(touchline, networks, clip):
    program = re.search(r"touchline process - -o - \| jq '(.*)'", touchline("help", "process").stdout)[1]
    if not shutil.which("jq"):
        pytest.skip("the jq command is not installed")
    data = touchline("process", clip, *networks.options, "-o", "-").stdout
    out = subprocess.run(["jq", "-c", program], input=data, capture_output=True, text=True, check=True).stdout
    assert len(out.splitlines()) == 50 and "null\n" not in out.splitlines(True)


# --- what is read is never replaced

def link_hard(folder, name):
    os.link(folder / "m.mp4", folder / name)


def link_soft(folder, name):
    (folder / name).symlink_to("m.mp4")


OVER_THE_INPUT = {
    "folder": (["m.mp4", "--overlay", "."], None),
    "same": (["m.mp4", "--overlay", "m.mp4"], None),
    "spelled differently": (["m.mp4", "--overlay", "./sub/../m.mp4"], None),
    "-o": (["m.mp4", "-o", "m.mp4"], None),
    "records": (["m.mp4", "-o", "m.mp4", "-f", "csv"], None),
    "map": (["m.mp4", "--map", "m.mp4"], None),
    "progress": (["m.mp4", "-o", "a.csv", "--progress", "m.mp4"], None),
    "symbolic link out": (["m.mp4", "--overlay", "l.mp4"], link_soft),
    "symbolic link in": (["l.mp4", "--overlay", "m.mp4"], link_soft),
    "hard link": (["m.mp4", "--overlay", "l.mp4"], link_hard),
}


@pytest.mark.parametrize("overwrite", [[], ["-y"]], ids=["", "-y"])
@pytest.mark.parametrize("name", OVER_THE_INPUT)
def test_input_is_never_replaced(touchline, networks, clip, name, overwrite):
    arguments, link = OVER_THE_INPUT[name]
    (touchline.folder / "sub").mkdir()
    shutil.copy(clip, touchline.folder / "m.mp4")
    if link:
        link(touchline.folder, "l.mp4")
    before = touchline.files()
    assert_fails(touchline("process", *arguments, *networks.options, *overwrite), "EUSAGE", "would replace the input")
    assert touchline.files() == before
    assert (touchline.folder / "m.mp4").read_bytes() == clip.read_bytes()


def test_input_at_standard_input_is_never_replaced(touchline, networks, clip):
    shutil.copy(clip, touchline.folder / "m.mp4")
    with open(touchline.folder / "m.mp4", "rb") as stream:
        result = touchline("process", "-", "--overlay", "m.mp4", "-y", *networks.options, stdin=stream)
    assert_fails(result, "EUSAGE", "would replace the input")
    assert (touchline.folder / "m.mp4").read_bytes() == clip.read_bytes()


def test_pictures_of_the_input_are_never_replaced(touchline, networks):
    (touchline.folder / "in").mkdir()
    ffmpeg(*test_source("64x64", seconds=0.12), touchline.folder / "in" / "%d.png")
    before = {p.name: p.read_bytes() for p in (touchline.folder / "in").iterdir()}
    assert len(before) == 3
    for arguments in (["process", "in", "--map", "in/2.png"], ["process", "in", "-o", "in/2.png", "-f", "csv"],
                      ["detect", "in", "-o", "in/2.png"], ["detect", "in/1.png", "in/2.png", "-o", "./in/2.png"]):
        assert_fails(touchline(*arguments, "-y", *networks.options), "EUSAGE", "would replace", "2.png")
    assert {p.name: p.read_bytes() for p in (touchline.folder / "in").iterdir()} == before
    # Another file in the same folder is nobody's loss.
    assert touchline("process", "in", "-o", "in/out.csv", "-y", *networks.options).returncode == 0


def test_two_outputs_that_are_one_file(touchline, networks, clip):
    (touchline.folder / "a.jsonl").write_text("")
    (touchline.folder / "l.jsonl").symlink_to("a.jsonl")
    before = touchline.files()
    for pair in (["-o", "a.jsonl", "-o", "./a.jsonl"], ["-o", "a.jsonl", "-o", "l.jsonl"],
                 ["-o", "new.mp4", "--overlay", "./new.mp4"], ["--overlay", "new.mp4", "--map", "new.mp4"],
                 ["-o", "new.csv", "--progress", "./new.csv"]):
        result = touchline("process", clip, *networks.options, *pair, "-y")
        assert result.returncode == 2, (pair, result.stderr)
        assert touchline.files() == before
    for pair in (["--csv", clip], ["--write-env", clip], ["--csv", "x", "--json", "./x"]):
        assert_fails(touchline("bench", "--video-path", clip, *pair), "EUSAGE", "same file" if len(pair) == 4 else clip.name)
        assert touchline.files() == before and clip.stat().st_size > 1000
    for truth in ("clip.mp4", "./clip.mp4"):
        result = touchline("synth", "-o", "clip.mp4", "--truth", truth, "-y")
        assert result.returncode == 2 and touchline.files() == before


# --- failures while writing

def test_output_folder_that_does_not_exist(touchline, networks, clip):
    assert_fails(touchline("process", clip, *networks.options, "-o", "none/out.jsonl"), "ENOENT", "none/out.jsonl")
    assert touchline.files() == []


def test_output_that_may_not_be_written(touchline, networks, clip):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (touchline.folder / "closed").mkdir(mode=0o555)
    assert_fails(touchline("process", clip, *networks.options, "-o", "closed/out.jsonl"), "EDENIED", "closed/out.jsonl")


def test_full_device(touchline, networks, clip):
    result = touchline("process", clip, *networks.options, "-o", "/dev/full", "--format", "jsonl")
    assert_fails(result, "ENOSPC", "/dev/full")


def small_files_only():
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))


@pytest.mark.parametrize("arguments", [["-o", "out.jsonl"], ["-o", "out.json"], ["--overlay", "out.mp4"]])
def test_no_space_left(touchline, match, arguments):
    """A limit on the size of files stands in for a full disk: the same calls fail."""
    path, _, nets = match
    result = touchline("process", path, *nets.options, *arguments, preexec_fn=small_files_only)
    assert_fails(result, "ENOSPC", "out.")
    assert touchline.files() == []


def test_full_disk(touchline, match, tmp_path):
    path, _, nets = match
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("no permission to mount a small file system")
    try:
        assert_fails(touchline("process", path, *nets.options, "-o", disk / "out.jsonl"), "ENOSPC", "out.jsonl")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_reader_that_goes_away(touchline, match):
    path, _, nets = match
    process = touchline.start("process", path, *nets.options, "-o", "-", "-o", "out.csv")
    process.stdout.readline()
    process.stdout.close()
    _, code = process.stderr.read(), process.wait(60)
    assert code == 4
    assert touchline.files() == []


# --- progress

def test_progress_for_programs(touchline, networks, clip):
    result = touchline("process", clip, *networks.options, "-o", "out.jsonl", "--progress", "-")
    assert result.returncode == 0
    pairs = [line.split("=", 1) for line in result.stdout.splitlines()]
    assert all(len(pair) == 2 for pair in pairs)
    last = dict(pairs[-6:])
    assert last["frame"] == "50" and last["total"] == "50" and last["progress"] == "end"
    assert float(last["fps"]) > 0 and float(last["eta_s"]) == 0
    assert touchline("process", clip, *networks.options, "-y", "--progress", "p.txt").returncode == 0
    assert (touchline.folder / "p.txt").read_text().endswith("progress=end\n")


def test_terminal_gets_a_bar(touchline, networks, clip):
    import pty
    controller, terminal = pty.openpty()
    slow = Networks(touchline.folder, SLOW.replace("200000", "30000"))
    process = subprocess.Popen([touchline.binary, "process", str(clip), *map(str, slow.options), "--stride", "1"],
                               cwd=touchline.folder, stdout=terminal, stderr=terminal, stdin=subprocess.DEVNULL,
                               env=touchline.environment)
    os.close(terminal)
    text = b""
    try:
        while chunk := os.read(controller, 4096):
            text += chunk
    except OSError:
        pass
    assert process.wait(60) == 0
    assert re.search(rb"\r\[#*\.*\] \d+/50 frames, \d+ %, \d+\.\d fps, \d:\d\d left", text), text
    assert text.rstrip().split(b"\n")[-1].split(b"\x1b[K")[-1].startswith(b"wrote clip.jsonl: 50 frames")


def test_quiet_and_verbose(touchline, networks, clip):
    quiet = touchline("process", clip, *networks.options, "-q")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")
    verbose = touchline("process", clip, *networks.options, "-y", "-v")
    assert "info: " in verbose.stderr and "decoding" in verbose.stderr


# --- interruption

@pytest.fixture(scope="module")
def slow_match(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slow")
    ffmpeg(*test_source(seconds=60), "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", folder / "long.mp4")
    return folder / "long.mp4", Networks(folder, SLOW)


def wait_for_temporary(touchline, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if any(".part" in name for name in touchline.files()):
            return
        time.sleep(0.02)
    pytest.fail("no output was begun: " + process.stderr.read())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(touchline, slow_match, number):
    path, nets = slow_match
    process = touchline.start("process", path, *nets.options, "--stride", "1", "-o", "out.jsonl", "--overlay", "out.mp4")
    wait_for_temporary(touchline, process)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 20, stderr
    assert [line for line in stderr.splitlines() if line.startswith("touchline: interrupted")], stderr
    assert touchline.files() == []


def test_nohup_is_respected(touchline, slow_match):
    path, nets = slow_match
    process = touchline.start("process", path, *nets.options, "--frames", "0:50", "-o", "out.jsonl",
                              preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    wait_for_temporary(touchline, process)
    process.send_signal(signal.SIGHUP)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert touchline.files() == ["out.jsonl"]


def test_second_signal_ends_at_once(touchline, slow_match):
    path, nets = slow_match
    process = touchline.start("process", path, *nets.options, "--stride", "1", "-o", "out.jsonl")
    wait_for_temporary(touchline, process)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 20
    assert touchline.files() == []


def test_interrupted_while_waiting_for_input(touchline, networks):
    process = touchline.start("process", "-", *networks.options, "-o", "out.jsonl", stdin=subprocess.PIPE)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + 5
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    hung = process.poll() is None
    if hung:
        process.kill()
    process.communicate(timeout=60)
    assert not hung
    assert process.returncode == 20
    assert touchline.files() == []


def test_interrupted_synth(touchline):
    process = touchline.start("synth", "-o", "long.mp4", "--truth", "long.jsonl", "--seconds", "600")
    wait_for_temporary(touchline, process)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 20, stderr
    assert touchline.files() == []
