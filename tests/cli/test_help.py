"""Help texts, manual page, completions, settings template: all generated from the option tables."""
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import CODES, assert_fails

COMMANDS = ["process", "detect", "synth", "models", "doctor", "version", "help"]


def flags_of(text):
    return set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", text, re.M)) | set(re.findall(r", (--[a-z-]+)", text))


def test_help_of_each_command(touchline):
    listed = re.findall(r"^  (\w+) {2,}\S", touchline().stdout.split("Commands:\n")[1].split("\n\n")[0], re.M)
    assert set(COMMANDS) <= set(listed)
    for command in listed:
        long, short, by_help = touchline(command, "--help"), touchline(command, "-h"), touchline("help", command)
        assert long.returncode == short.returncode == by_help.returncode == 0
        assert long.stdout == short.stdout == by_help.stdout
        assert long.stderr == ""
        assert f"Usage: touchline {command}" in long.stdout
        examples = re.findall(r"^  \S.*\n      \S", long.stdout.split("Examples:\n")[1], re.M)
        assert 2 <= len(examples) <= 4, command
        for line in long.stdout.splitlines():
            assert line == line.rstrip() and len(line) <= 120, line
        assert "--help" in flags_of(long.stdout)


def test_overview(touchline):
    plain, asked = touchline(), touchline("--help")
    assert plain.returncode == asked.returncode == 0
    assert plain.stdout == asked.stdout == touchline("help").stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", plain.stdout, re.M)


def test_exit_codes_of_the_overview_are_those_of_the_contract(touchline):
    table = touchline().stdout.split("Exit codes:\n")[1]
    assert sorted(int(n) for n in re.findall(r"(?:^| )  ?(\d+)  [a-z]", table, re.M)) == sorted(CODES.values())
    assert "touchline help --man" in touchline("process", "--help").stdout


def test_each_group_of_a_help_text_stands_once(touchline):
    for command in re.findall(r"^  (\w+) {2,}\S", touchline().stdout.split("Commands:\n")[1].split("\n\n")[0], re.M):
        groups = re.findall(r"^(\S.*):$", touchline(command, "--help").stdout, re.M)
        assert len(groups) == len(set(groups)), (command, groups)


def test_help_wins_over_missing_arguments_and_bad_environment(touchline):
    assert touchline("process", "--help", env={"FRAME_STRIDE": "x"}).returncode == 0


def test_flags_of_the_contract(touchline):
    expected = {"--format", "--overlay", "--map", "--stride", "--img-size", "--batch", "--threads", "--frames",
                "--player-model", "--pitch-model", "--overwrite", "--config", "--progress", "--quiet", "--output"}
    assert expected <= flags_of(touchline("process", "--help").stdout)
    assert {"--min-score", "--output"} <= flags_of(touchline("detect", "--help").stdout)
    assert {"--truth", "--seconds", "--fps", "--size", "--seed", "--camera", "--players"} <= flags_of(
        touchline("synth", "--help").stdout)


def test_formats_of_the_help_are_those_that_exist(touchline):
    sentence = touchline("process", "a", "--format", "none").stderr
    names = re.search(r"one of ([a-z0-9, ]+), not", sentence)[1].split(", ")
    assert {"jsonl", "sn44", "csv", "mot", "gsr"} <= set(names)
    text = touchline("process", "--help").stdout
    listed = re.search(r"--format NAME +(.*?)else the ending", text, re.S)[1]
    assert set(names) <= set(re.findall(r"[a-z0-9]+", listed))


def test_version(touchline):
    result = touchline("version")
    assert result.returncode == 0
    assert re.match(r"touchline \d+\.\d+\.\d+", result.stdout)
    assert touchline("--version").stdout == result.stdout
    for part in ("compiler ", "video ", "backend "):
        assert re.search(f"^{part}", result.stdout, re.M), part
    more = touchline("version", "-v").stdout
    assert more.startswith(result.stdout.splitlines()[0]) and len(more) > len(result.stdout)
    assert re.search(r"^processor ", more, re.M)
    assert touchline("-v", "version").stdout == more
    assert touchline("version", "-q").stdout == result.stdout.splitlines()[0] + "\n"


def test_manual_page(touchline, tmp_path):
    result = touchline("help", "--man")
    assert result.returncode == 0
    for command in COMMANDS:
        assert f'.SS "touchline {command}' in result.stdout
    for flag in flags_of(touchline("process", "--help").stdout):
        assert "\\-\\-" + flag[2:].replace("-", "\\-") in result.stdout, flag
    assert "EXIT STATUS" in result.stdout
    if not shutil.which("groff"):
        pytest.skip("groff is not installed: the page was not rendered")
    page = tmp_path / "touchline.1"
    page.write_text(result.stdout)
    # -ww: all warnings; the page must cause none.
    rendered = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-P-c", page], capture_output=True, text=True)
    assert rendered.returncode == 0 and rendered.stderr == "", rendered.stderr
    assert "--player-model FILE" in re.sub(r".\x08", "", rendered.stdout)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_valid(touchline, tmp_path, shell):
    result = touchline("help", "--completion", shell)
    assert result.returncode == 0
    assert "frame-stride" in result.stdout and "min-score" in result.stdout
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed: the script was not parsed")
    script = tmp_path / "script"
    script.write_text(result.stdout)
    checked = subprocess.run([shell, "-n", script], capture_output=True, text=True)
    assert checked.returncode == 0 and checked.stderr == "", checked.stderr


def complete(touchline, tmp_path, *words):
    """What bash offers for the last word."""
    script = tmp_path / "completion"
    script.write_text(touchline("help", "--completion", "bash").stdout)
    line = f"source {script}; compopt() {{ :; }}; COMP_WORDS=(" + " ".join(f"'{w}'" for w in words) + \
        f"); COMP_CWORD={len(words) - 1}; _touchline; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True).stdout.split()


def test_bash_completes_commands_flags_and_words(touchline, tmp_path):
    assert set(COMMANDS) <= set(complete(touchline, tmp_path, "touchline", ""))
    assert complete(touchline, tmp_path, "touchline", "syn") == ["synth"]
    assert complete(touchline, tmp_path, "touchline", "process", "--strid") == ["--stride"]
    assert complete(touchline, tmp_path, "touchline", "synth", "--camera", "") == ["pan", "static", "cut", "behind"]
    assert "--frames" not in complete(touchline, tmp_path, "touchline", "detect", "--fr")
    formats = complete(touchline, tmp_path, "touchline", "process", "a.mp4", "--format", "")
    listed = re.search(r"must be one of (.*), not", touchline("process", "a", "-f", "x").stderr)[1]
    assert formats == listed.split(", ") == complete(touchline, tmp_path, "touchline", "process", "-f", "")
    assert complete(touchline, tmp_path, "touchline", "help", "--completion", "") == ["bash", "zsh", "fish"]
    assert complete(touchline, tmp_path, "touchline", "eval", "d") == ["detections"]
    assert complete(touchline, tmp_path, "touchline", "eval", "detections", "d") == []
    assert complete(touchline, tmp_path, "touchline", "help", "syn") == ["synth"]
    assert complete(touchline, tmp_path, "touchline", "process", "pro") == []


def test_zsh_texts_keep_their_colons(touchline):
    text = touchline("help", "--completion", "zsh").stdout
    assert "'--listen[where to listen; numeric address, \\[::\\]:7999 for IPv6 and IPv4]:ADDRESS\\:PORT:'" in text
    assert "triangle: filled by motion" in text
    assert "'1:word:(detections)'" in text


def test_unknown_shell(touchline):
    assert_fails(touchline("help", "--completion", "tcsh"), "EUSAGE", "bash, zsh or fish", "tcsh")


def test_settings_template_of_the_source_tree_is_the_generated_one(touchline):
    """`touchline help --env > .env.performance` makes it anew."""
    committed = pathlib.Path(__file__).resolve().parents[2] / ".env.performance"
    assert committed.read_text() == touchline("help", "--env").stdout


def test_settings_template_is_a_legal_config_file(touchline, networks, clip):
    template = touchline("help", "--env").stdout
    # The presets repeat some names; they are blocks to choose from.
    template = re.sub(r"^# --- Presets.*?(?=^# --- )", "", template, flags=re.M | re.S)
    names = re.findall(r"^#([A-Z_]+)=", template, re.M)
    assert {"BATCH_SIZE", "IMG_SIZE", "FRAME_STRIDE", "PREFETCH_FRAMES", "CONF_THRESHOLD", "MAX_DETECTIONS",
            "FAST_MODE", "FAST_IMG_SIZE", "DISABLE_TRACKING", "SKIP_PITCH", "TIME_BUDGET_S", "DEVICE"} <= set(names)
    assert len(names) == len(set(names))
    # With every line switched on it sets what is the default anyway.
    enabled = re.sub(r"^#([A-Z_]+=)", r"\1", template, flags=re.M)
    (touchline.folder / "all.env").write_text(enabled)
    plain = touchline("process", clip, *networks.options, "-o", "plain.jsonl", "-q")
    loaded = touchline("process", clip, *networks.options, "-o", "loaded.jsonl", "-q", "--config", "all.env")
    assert plain.returncode == loaded.returncode == 0, loaded.stderr
    assert (touchline.folder / "plain.jsonl").read_bytes() == (touchline.folder / "loaded.jsonl").read_bytes()
