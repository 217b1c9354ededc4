"""Option parsing: mistakes, precedence, exit codes."""
import json
import re

import pytest

from conftest import assert_fails, read_jsonl

MISTAKES = [
    (["proces", "a"], "unknown command 'proces'; did you mean 'process'?"),
    (["frobnicate"], "unknown command 'frobnicate'; 'touchline help' lists them"),
    (["process"], "'process' needs INPUT"),
    (["process", "a", "b"], "'b' is one argument too many"),
    (["process", "a", "--strid", "3"], "unknown option '--strid'; did you mean --stride?"),
    (["process", "a", "--confidence", "1"], "unknown option '--confidence'"),
    (["serve", "--port", "80"], "unknown option '--port'; did you mean --listen?"),
    (["process", "a", "-z"], "unknown option '-z'"),
    (["process", "a", "--stride"], "--stride needs a value: N"),
    (["process", "a", "--stride", "--quiet"], "--stride needs a value: N"),
    (["process", "a", "--stride", "0.5"], "--stride must be auto or a whole number from 1 to 1000, not '0.5'"),
    (["process", "a", "--stride=1001"], "--stride must be auto or a whole number from 1 to 1000, not '1001'"),
    (["process", "a", "--conf", "1.5"], "--conf must be auto or a number from 0 to 1, not '1.5'"),
    (["process", "a", "--conf", "nan"], "--conf must be auto or a number from 0 to 1, not 'nan'"),
    (["process", "a", "--threads", "-1"], "--threads must be auto or a whole number from 1 to 256, not '-1'"),
    (["process", "a", "--frames", "9:3"], "--frames must be A:B"),
    (["process", "a", "--device", "tpu"], "--device must be auto, cpu, cuda"),
    (["process", "a", "--format", "xml"], "--format must be one of jsonl"),
    (["process", "a", "-o", "a.xyz"], "the ending of 'a.xyz' tells no format"),
    (["process", "a", "-o", ""], "the name of the output is empty"),
    (["process", "a", "-o", "x.csv", "-o", "x.csv"], "'x.csv' is given as output twice"),
    (["process", "a", "-o", "x.csv", "-o", "y.csv", "--format", "mot"], "--format goes with one -o"),
    (["process", "a", "--overlay", "x.avi"], "--overlay must end in .mp4, not 'x.avi'"),
    (["process", "a", "--map", "x.jpg"], "--map must end in .png or .mp4, not 'x.jpg'"),
    (["process", "a", "--map", "x.png", "--skip-pitch"], "a map needs the pitch"),
    (["process", "a", "-o", "x.png", "--skip-pitch"], "a map needs the pitch"),
    (["process", "a", "-o", "x.gsr.json", "--no-pitch"], "gsr holds places on the pitch only"),
    (["process", "a", "-f", "gsr", "--skip-pitch"], "gsr holds places on the pitch only"),
    (["--stride", "3", "process", "a"], "'--stride' stands before the command"),
    (["-v"], "'-v' stands before the command"),
    (["process", "a", "-y", "-n"], "-y and -n contradict each other"),
    (["process", "a", "-o", "-", "--progress", "-"], "cannot both go to standard output"),
    (["process", "a", "--progress", "p", "--progress", "q"], "--progress is given twice, 'p' and 'q'"),
    (["detect", "a", "-o", "x", "--output=y"], "--output is given twice, 'x' and 'y'"),
    (["synth", "-o", "x.mp4", "-o", "y.mp4"], "-o is given twice, 'x.mp4' and 'y.mp4'"),
    (["synth", "-o", "x.mp4", "--truth", "x.csv", "--truth", "y.csv"], "--truth is given twice, 'x.csv' and 'y.csv'"),
    (["bench", "--csv", "a", "--csv", "b"], "--csv is given twice, 'a' and 'b'"),
    (["detect"], "'detect' needs IMAGE|FOLDER..."),
    (["detect", "a", "--min-score", "2"], "--min-score must be auto or a number from 0 to 1, not '2'"),
    (["synth"], "'synth' needs -o FILE.mp4"),
    (["synth", "-o", "x.mp4", "--size", "12x9"], "--size must be WxH from 64x64"),
    (["synth", "-o", "x.mp4", "--size", "1280x720p"], "--size must be WxH"),
    (["synth", "-o", "x.mp4", "--size", "641x360"], "--size must be even"),
    (["synth", "-o", "x.avi"], "must end in .mp4, not 'x.avi'"),
    (["synth", "-o", "x.mp4", "--truth", "x.foo"], "the ending of --truth 'x.foo' tells no format"),
    (["synth", "-o", "x.mp4", "--threads", "2"], "unknown option '--threads'"),
    (["synth", "-o", "x.mp4", "--camera", "drone"], "--camera must be pan, static, cut or behind, not 'drone'"),
    (["synth", "-o", "x.mp4", "--fps", "0"], "--fps must be a number from 1 to 120, not '0'"),
    (["models", "x"], "'models' takes no arguments, got 'x'"),
    (["help", "nothing"], "unknown command 'nothing'"),
]


@pytest.mark.parametrize("arguments,sentence", MISTAKES, ids=[" ".join(m[0]) for m in MISTAKES])
def test_mistakes(touchline, arguments, sentence):
    assert_fails(touchline(*arguments), "EUSAGE", sentence)
    assert touchline.files() == []


def settings_of(touchline, clip, networks, *arguments, env=None):
    """The settings in the header of a run on the first frame."""
    result = touchline("process", clip, *networks.options, "--frames", ":1", "-o", "-", "-q", *arguments, env=env)
    assert result.returncode == 0, result.stderr
    pairs = json.loads(result.stdout.splitlines()[0])["settings"].split()
    return dict(pair.split("=", 1) for pair in pairs)


def test_precedence(touchline, clip, networks):
    (touchline.folder / "a.env").write_text("FRAME_STRIDE=5\nCONF_THRESHOLD=0.2 # comment\nMAX_DETECTIONS=9\n")
    config = ["--config", "a.env"]
    assert "FRAME_STRIDE" not in settings_of(touchline, clip, networks)
    found = settings_of(touchline, clip, networks, *config)
    assert (found["FRAME_STRIDE"], found["CONF_THRESHOLD"], found["MAX_DETECTIONS"]) == ("5", "0.2", "9")
    found = settings_of(touchline, clip, networks, *config, env={"FRAME_STRIDE": "4", "CONF_THRESHOLD": ""})
    assert (found["FRAME_STRIDE"], found["CONF_THRESHOLD"]) == ("4", "0.2")
    found = settings_of(touchline, clip, networks, *config, "--stride", "3", env={"FRAME_STRIDE": "4"})
    assert found["FRAME_STRIDE"] == "3"
    found = settings_of(touchline, clip, networks, "--stride", "3", "--frame-stride=auto", *config)
    assert "FRAME_STRIDE" not in found  # the last flag counts, and it is the default


def test_config_by_environment(touchline, clip, networks):
    (touchline.folder / "a.env").write_text("FRAME_STRIDE=5\n")
    (touchline.folder / "b.env").write_text("FRAME_STRIDE=6\n")
    env = {"TOUCHLINE_CONFIG": "a.env"}
    assert settings_of(touchline, clip, networks, env=env)["FRAME_STRIDE"] == "5"
    assert settings_of(touchline, clip, networks, "--config", "b.env", env=env)["FRAME_STRIDE"] == "6"


def test_mistakes_name_their_origin(touchline):
    assert_fails(touchline("process", "a", env={"BATCH_SIZE": "many"}), "EUSAGE", "BATCH_SIZE (environment)",
                 "from 1 to 256", "'many'")
    (touchline.folder / "bad.env").write_text("# x\nCONF_THRESHOLD=7\n")
    assert_fails(touchline("process", "a", "--config", "bad.env"), "ECONFIG", "CONF_THRESHOLD (bad.env:2)",
                 "from 0 to 1", "'7'")
    (touchline.folder / "bad.env").write_text("TOUCHLINE_THREAD=1\n")
    assert_fails(touchline("process", "a", "--config", "bad.env"), "ECONFIG", "bad.env:1", "TOUCHLINE_THREADS")
    assert_fails(touchline("process", "a", "--config", "none.env"), "ENOENT", "none.env")


def test_near_miss_in_config_is_a_warning(touchline, clip, networks):
    (touchline.folder / "a.env").write_text("FRAME_STRIDES=5\nNETUID=44\n")
    result = touchline("process", clip, *networks.options, "--config", "a.env")
    assert result.returncode == 0
    assert [line for line in result.stderr.splitlines() if line.startswith("warning")] == \
        ["warning: 'FRAME_STRIDES' (a.env:1) is no setting of this program; is 'FRAME_STRIDE' meant?"]


def test_unknown_name_of_ours_in_the_environment_is_a_warning(touchline, clip, networks):
    env = {"TOUCHLINE_THREAD": "1", "TOUCHLINE_MODELS": "", "TOUCHLINE_CONFIG": "", "TOUCHLINE_THREADS": "2"}
    result = touchline("process", clip, *networks.options, env=env)
    assert result.returncode == 0
    assert [line for line in result.stderr.splitlines() if line.startswith("warning")] == \
        ["warning: unknown setting 'TOUCHLINE_THREAD' (environment); did you mean 'TOUCHLINE_THREADS'?"]


def test_unknown_name_with_a_prefix_too_many_gets_a_hint(touchline, clip, networks):
    for name in ("TOUCHLINE_FRAME_STRID", "TOUCHLINE_FRAME_STRIDE"):
        result = touchline("process", clip, *networks.options, "-y", env={name: "3"})
        assert result.returncode == 0
        assert f"warning: unknown setting '{name}' (environment); did you mean 'FRAME_STRIDE'?\n" in result.stderr


def test_one_frame_is_one_frame(touchline, clip, networks):
    result = touchline("process", clip, *networks.options, "--frames", ":1", "-o", "a.csv")
    assert "no pitch was seen in 1 of 1 frame: " in result.stderr and "wrote a.csv: 1 frame in " in result.stderr
    result = touchline("synth", "-o", "a.mp4", "--seconds", "0.04", "--size", "64x64")
    assert "wrote a.mp4: 1 frame in " in result.stderr


def test_forms_of_options(touchline, clip, networks):
    dashed = touchline.folder / "-dashed.mp4"
    dashed.write_bytes(clip.read_bytes())
    assert touchline("process", "-yqo", "a.jsonl", *networks.options, "--", "-dashed.mp4").returncode == 0
    assert touchline("process", "./-dashed.mp4", "-ob.jsonl", "--quiet=1", *networks.options).returncode == 0
    assert len(read_jsonl(touchline.folder / "a.jsonl")[1]) == 50
    assert len(read_jsonl(touchline.folder / "b.jsonl")[1]) == 50


def test_quality_high(touchline, match):
    """Every frame and the players' larger size with the shipped networks; --stride and --img-size go before."""
    video, truth, _ = match
    common = ("process", video, "--frames", ":12", "--skip-pitch", "-o", "-", "-f", "jsonl")

    def records(*arguments, **kw):
        result = touchline(*common, "-v", *arguments, **kw)
        assert result.returncode == 0, result.stderr
        looked = int(re.search(r"networks ran on (\d+)", result.stderr).group(1))
        return looked, [line for line in result.stdout.splitlines() if '"objects"' in line]

    looked, normal = records()
    assert looked < 12 == len(normal)
    looked, high = records("--quality", "high")
    assert looked == 12 and high != normal
    assert (looked, high) == records("--img-size", "1280", "--stride", "1")
    assert records("--stride", "4", env={"TOUCHLINE_QUALITY": "high"})[0] < 6
    assert records("--quality", "high", "--img-size", "320", "--stride", "2") == records("--img-size", "320", "--stride", "2")
