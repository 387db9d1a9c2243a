"""Every benchmark starts, and what it measures of this project is still there."""

import os

import pytest

from bench import overhead
from tests import forks
from tests.conftest import ROOT

BENCHES = ("overhead", "pi", "scale", "search", "sorting", "trust")


@pytest.mark.parametrize("name", BENCHES)
def test_a_benchmark_explains_itself(name):
    done = forks.run_module(f"bench.{name}", ["--help"], dict(os.environ), ROOT)
    assert done.returncode == 0, done.stderr
    assert "--json" in done.stdout


def test_a_run_prints_no_line_of_codecarbon_s():
    assert overhead.lines_printed() == 0


def test_the_cpu_time_of_short_children_is_seen():
    assert overhead.children_seen() >= 0.99
