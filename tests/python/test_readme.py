"""The Python of README.md, run as it stands there on the file of the scenario that it names.

OTTOFLOW is the path of the program.
"""

import os
import re
import subprocess
from pathlib import Path

import numpy
import xarray

ROOT = Path(__file__).resolve().parents[2]


def test_the_first_minute_in_python(tmp_path, monkeypatch, capsys):
    program = Path(os.environ["OTTOFLOW"]).resolve()
    scenario = ROOT / "scenarios" / "one-to-two.toml"
    subprocess.run([program, "run", scenario, "--backend", "cpu", "--quiet"], check=True, cwd=tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(code, names)
    with names["run"] as run:
        assert isinstance(run, xarray.Dataset)
        assert run.density.dims == ("time", "x")
        mean = names["mean"].values
        # The initial Gaussian has the mean 1; the target 2.4, towards which the mean moves.
        assert abs(mean[0] - 1.0) < 1e-6
        assert numpy.all(numpy.diff(mean) > 0) and mean[-1] < 2.4
    assert "density" in capsys.readouterr().out
