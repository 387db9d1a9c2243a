import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*arguments):
    command = [sys.executable, "-m", "bench.sorting", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_bench_compares_both_paths_and_writes_json(tmp_path):
    file = tmp_path / "sorting.json"
    done = run("--sizes", "3e5", "--dtypes", "int32", "--repeats", "3", "--json", str(file))
    assert done.returncode == 0, done.stderr
    report = json.loads(file.read_text())
    (row,) = report["rows"]
    assert row["better"] in row["ns_per_element"]
    assert {"ours, 1", "ours, 2"} <= row["ns_per_element"].keys()
    for ratio in row["ours_to_better"].values():
        assert 0 < ratio["low"] <= ratio["ratio"] <= ratio["high"]
    assert report["machine"]["numpy"]
    assert "ns an element" in done.stdout


def test_bench_says_in_a_line_what_it_cannot_do():
    done = run("--dtypes", "int8")
    assert done.returncode == 2
    assert "int8" in done.stderr.splitlines()[-1]
