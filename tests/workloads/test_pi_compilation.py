"""How Numba compiles the π kernels: uncompiled, for another processor, from its cache, once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.workloads.pi import METHODS, compiled, quasi, registers

KERNELS = {
    kernel.__name__: kernel
    for kernel in (
        compiled.naive,
        compiled.xoroshiro,
        compiled.counter,
        compiled.integer,
        compiled.pairs,
        registers.lanes,
        quasi.r2,
        quasi.stratified,
        quasi.midpoint,
    )
}


def in_new_process(code, **environment):
    """Run the code with the kernels imported and return what it prints, read as JSON."""
    names = {f.py_func.__module__ for f in KERNELS.values()}
    imports = "import json\n" + "".join(f"from {n} import *\n" for n in sorted(names))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", imports + code],
        env=os.environ | environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_uncompiled_kernels_agree():
    """The same source as plain Python: NumPy's scalars do not hide a wrong type as Numba may."""
    names = sorted(KERNELS.keys() - {"lanes"})  # lanes is vector IR: it has an oracle in test_pi
    code = f"print(json.dumps([float(globals()[n](0, 2100, 2100, 6)) for n in {names}]))"
    slow = in_new_process(code, NUMBA_DISABLE_JIT="1")
    fast = [float(KERNELS[name](0, 2100, 2100, 6)) for name in names]
    assert slow == pytest.approx(fast, rel=1e-14)


def test_vectors_need_no_particular_processor():
    code = "print(json.dumps(lanes(0, 10007, 10007, 5)))"
    plain_processor = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    assert in_new_process(code, **plain_processor) == registers.lanes(0, 10_007, 10_007, 5)


def test_second_process_hits_the_cache(tmp_path):
    names = sorted(KERNELS)
    code = f"""
for name in {names}:
    globals()[name](0, 10, 10, 1)
print(json.dumps([[sum(globals()[n].stats.cache_hits.values()) for n in {names}],
                  [sum(globals()[n].stats.cache_misses.values()) for n in {names}]]))
"""
    hits, misses = in_new_process(code, NUMBA_CACHE_DIR=str(tmp_path))
    assert (set(hits), set(misses)) == ({0}, {1})
    hits, misses = in_new_process(code, NUMBA_CACHE_DIR=str(tmp_path))
    assert (set(hits), set(misses)) == ({1}, {0})


def test_one_compilation_serves_every_size_and_seed():
    for method in METHODS.values():
        for samples, seed in ((1, 0), (10_007, (1 << 63) - 1)):
            if not method.needs_cuda:
                method.total(samples, seed)
    assert {name: len(kernel.signatures) for name, kernel in KERNELS.items()} == dict.fromkeys(
        KERNELS, 1
    )
