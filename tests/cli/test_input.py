"""Inputs of every kind, good and bad: each bad one ends in one sentence, a code of its own, and no file."""
import http.server
import os
import pathlib
import shutil
import subprocess
import threading

import pytest

from conftest import assert_fails, ffmpeg, read_jsonl, test_source

X264 = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast"]


def process(touchline, networks, path, *arguments, **options):
    return touchline("process", path, *networks.options, "-o", "out.jsonl", *arguments, **options)


def records_of(touchline, networks, path, *arguments):
    """Records of a run that must succeed: every frame once, in order, boxes inside the picture."""
    result = process(touchline, networks, path, *arguments)
    assert result.returncode == 0, result.stderr
    header, records = read_jsonl(touchline.folder / "out.jsonl")
    assert [r["frame"] for r in records] == list(range(records[0]["frame"], records[0]["frame"] + len(records)))
    for record in records:
        assert len(record["keypoints"]) == 32
        ids = [item["id"] for item in record["objects"]]
        assert len(ids) == len(set(ids))
        for item in record["objects"]:
            x1, y1, x2, y2 = item["bbox"]
            assert 0 <= x1 < x2 <= header["width"] and 0 <= y1 < y2 <= header["height"]
    return header, records


def assert_refused(touchline, networks, path, code, *words, before=()):
    sentence = assert_fails(process(touchline, networks, path), code, *words)
    assert touchline.files() == sorted(before)
    return sentence


# --- what must fail

def test_missing_file(touchline, networks):
    assert_refused(touchline, networks, "none.mp4", "ENOENT", "none.mp4")


def test_empty_file(touchline, networks):
    (touchline.folder / "empty.mp4").touch()
    assert_refused(touchline, networks, "empty.mp4", "EEMPTY", "empty.mp4", before=["empty.mp4"])


def test_text_named_mp4(touchline, networks):
    (touchline.folder / "text.mp4").write_text("this is no video\n" * 100)
    assert_refused(touchline, networks, "text.mp4", "EFORMAT", "text.mp4", before=["text.mp4"])


def test_random_bytes(touchline, networks):
    (touchline.folder / "noise.mp4").write_bytes(bytes((i * i * 7919 >> 5) & 255 for i in range(100000)))
    assert_refused(touchline, networks, "noise.mp4", "EFORMAT", "noise.mp4", before=["noise.mp4"])


def test_audio_only(touchline, networks):
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac", touchline.folder / "audio.mp4")
    assert_refused(touchline, networks, "audio.mp4", "ENOVIDEO", "audio.mp4", before=["audio.mp4"])


def test_no_frame(touchline, networks):
    path = touchline.folder / "none.avi"
    ffmpeg(*test_source(), "-frames:v", "0", "-c:v", "mjpeg", path)
    assert_refused(touchline, networks, path, "EEMPTY", "none.avi", before=["none.avi"])


def test_empty_folder(touchline, networks):
    (touchline.folder / "pictures").mkdir()
    assert_refused(touchline, networks, "pictures", "EEMPTY", "pictures", before=["pictures"])


def test_truncated_file(touchline, networks, clip):
    whole = clip.read_bytes()
    (touchline.folder / "cut.mp4").write_bytes(whole[:len(whole) * 6 // 10])
    assert_refused(touchline, networks, "cut.mp4", "ETRUNCATED", "cut.mp4", before=["cut.mp4"])
    # On request the readable part is kept, with the same code.
    result = process(touchline, networks, "cut.mp4", "--partial")
    assert_fails(result, "ETRUNCATED")
    _, records = read_jsonl(touchline.folder / "out.jsonl")
    assert 10 < len(records) < 50
    assert f"{len(records)} frames" in result.stderr


def test_truncated_before_the_index(touchline, networks, clip):
    path = touchline.folder / "late.mp4"
    ffmpeg("-i", clip, "-c", "copy", path)  # index at the end
    whole = path.read_bytes()
    assert whole.index(b"moov") > whole.index(b"mdat")
    path.write_bytes(whole[:len(whole) // 2])
    result = process(touchline, networks, path)
    assert result.returncode in (7, 10), result.stderr
    assert_fails(result, "EFORMAT" if result.returncode == 7 else "ETRUNCATED", "late.mp4")
    assert touchline.files() == ["late.mp4"]


def test_address_without_server(touchline, networks):
    result = process(touchline, networks, "http://127.0.0.1:9/clip.mp4")
    assert_fails(result, "ENET", "127.0.0.1")
    assert touchline.files() == []


def test_unknown_protocol(touchline, networks):
    result = process(touchline, networks, "gopher://example.invalid/clip.mp4")
    assert result.returncode > 1
    assert touchline.files() == []


# --- what must work

def test_index_at_the_end(touchline, networks, clip):
    path = touchline.folder / "late.mp4"
    ffmpeg("-i", clip, "-c", "copy", path)
    assert len(records_of(touchline, networks, path)[1]) == 50


@pytest.mark.parametrize("size", ["16x16", "34x18", "7680x4320"])
def test_sizes(touchline, networks, size):
    ffmpeg(*test_source(size, seconds=0.2), *X264, touchline.folder / "in.mp4")
    header, records = records_of(touchline, networks, "in.mp4")
    assert (header["width"], header["height"]) == tuple(map(int, size.split("x")))
    assert len(records) == 5


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv444p", "gbrp"])
def test_odd_sizes_and_pixel_formats(touchline, networks, pixels):
    ffmpeg(*test_source("321x179", seconds=0.4), "-c:v", "ffv1", "-pix_fmt", pixels, touchline.folder / "odd.mkv")
    header, records = records_of(touchline, networks, "odd.mkv")
    assert (header["width"], header["height"]) == (321, 179)
    assert len(records) == 10


def test_ten_bit(touchline, networks):
    ffmpeg(*test_source(seconds=0.4), "-c:v", "libx264", "-pix_fmt", "yuv420p10le", touchline.folder / "ten.mp4")
    assert len(records_of(touchline, networks, "ten.mp4")[1]) == 10


def test_rotated(touchline, networks):
    ffmpeg(*test_source(seconds=0.4), *X264, touchline.folder / "flat.mp4")
    ffmpeg("-i", touchline.folder / "flat.mp4", "-c", "copy", "-metadata:s:v:0", "rotate=90",
           touchline.folder / "phone.mp4")
    header, _ = records_of(touchline, networks, "phone.mp4")
    assert (header["width"], header["height"]) == (180, 320)


def test_variable_frame_rate(touchline, networks):
    """Times of the records are those of the frames, not counted from a rate."""
    ffmpeg(*test_source(seconds=2), "-vf", "select='lt(n,10)+not(mod(n,5))'", "-vsync", "vfr", *X264, "-bf", "0",
           touchline.folder / "vfr.mp4")
    _, records = records_of(touchline, networks, "vfr.mp4")
    kept = [n for n in range(50) if n < 10 or n % 5 == 0]
    assert [round(r["time"], 2) for r in records] == [round(n / 25, 2) for n in kept]


def test_size_changes_in_the_middle(touchline, networks):
    for i, size in enumerate(["320x180", "480x270"]):
        ffmpeg(*test_source(size, seconds=0.4), *X264, "-f", "mpegts", touchline.folder / f"{i}.ts")
    whole = touchline.folder / "both.ts"
    whole.write_bytes(b"".join((touchline.folder / f"{i}.ts").read_bytes() for i in range(2)))
    header, records = records_of(touchline, networks, whole)
    assert (header["width"], header["height"]) == (320, 180)
    assert len(records) == 20


def test_folder_of_pictures(touchline, networks):
    (touchline.folder / "pictures").mkdir()
    ffmpeg(*test_source(seconds=0.4), touchline.folder / "pictures" / "%03d.png")
    assert len(records_of(touchline, networks, "pictures")[1]) == 10


def test_standard_input(touchline, networks, clip):
    data = clip.read_bytes()
    result = touchline("process", "-", *networks.options, "-o", "out.jsonl", input=data, text=False)
    assert result.returncode == 0, result.stderr
    assert len(read_jsonl(touchline.folder / "out.jsonl")[1]) == 50
    result = touchline("process", "-", *networks.options, "-o", "none.jsonl", input=b"", text=False)
    assert result.returncode in (7, 9)
    assert touchline.files() == ["out.jsonl"]


def test_address(touchline, networks, clip):
    handler = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *a: None})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                         lambda *a: handler(*a, directory=str(clip.parent))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}"
        result = touchline("process", f"{base}/clip.mp4?key=1", *networks.options)
        assert result.returncode == 0, result.stderr
        assert len(read_jsonl(touchline.folder / "clip.jsonl")[1]) == 50
        result = touchline("process", f"{base}/missing.mp4", *networks.options)
        assert result.returncode in (3, 14), result.stderr
        server.shutdown()
    assert touchline.files() == ["clip.jsonl"]


@pytest.mark.parametrize("frames,first,count", [("10:20", 10, 10), (":5", 0, 5), ("45:", 45, 5), ("40:90", 40, 10)])
def test_frame_ranges_keep_the_numbers_of_the_source(touchline, networks, clip, frames, first, count):
    _, records = records_of(touchline, networks, clip, "--frames", frames)
    assert [r["frame"] for r in records] == list(range(first, first + count))


def test_frame_range_behind_the_end(touchline, networks, clip):
    result = process(touchline, networks, clip, "--frames", "900:")
    assert_fails(result, "EEMPTY")
    assert touchline.files() == []


def test_threads_change_no_byte(touchline, match):
    path, _, nets = match
    outputs = []
    for threads in (1, 2, 5):
        result = touchline("process", path, *nets.options, "--stride", "1", "--threads", threads, "-o", "-", "-q")
        assert result.returncode == 0, result.stderr
        outputs.append(result.stdout)
    assert outputs[0] == outputs[1] == outputs[2]
