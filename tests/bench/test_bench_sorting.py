import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import sorting
from experiments.workloads.sorting.inputs import DISTRIBUTIONS, DTYPES

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


def test_without_sizes_bench_takes_standard_cases():
    cases = sorting.chosen(None, DTYPES, None)
    assert cases == list(sorting.STANDARD)
    for dtype in ("int32", "int64"):
        assert {case[2] for case in cases if case[:2] == (10**7, dtype)} == set(DISTRIBUTIONS)
    assert sorting.chosen(None, ["float64"], ["sorted"]) == []
    assert (10**7, "int64", "reversed") in sorting.chosen(None, ["int64"], ["reversed"])


@pytest.mark.parametrize("distributions", [None, ["sorted", "random"]])
def test_with_sizes_bench_takes_all_combinations(distributions):
    cases = sorting.chosen([5, 6], ["int32"], distributions)
    assert len(cases) == 2 * len(distributions or ["random"])
    assert (6, "int32", "random") in cases


def test_bench_says_in_a_line_what_it_cannot_do():
    done = run("--dtypes", "int8")
    assert done.returncode == 2
    assert "int8" in done.stderr.splitlines()[-1]
