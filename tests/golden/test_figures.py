"""The figures in docs/models.md are those of the committed networks. Skips where the labelled data is absent."""
import subprocess
import sys

import pytest

from records import CLIPS, ROOT, TOUCHLINE

DATA = CLIPS.parent


@pytest.mark.skipif(not (DATA / "players").is_dir(), reason="the labelled pictures of ../shared/data are absent")
def test_figures_are_those_of_the_shipped_networks():
    done = subprocess.run([sys.executable, ROOT / "scripts" / "model_figures", "--touchline", TOUCHLINE, "--data", DATA, "--check"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
