"""Dask's scheduler here, and a worker with a meter on each of several SLURM nodes, until Ctrl-C."""

import argparse
import signal

from dask_jobqueue import SLURMCluster

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--nodes", type=int, required=True, help="machines that train")
parser.add_argument("--queue", help="SLURM's partition")
parser.add_argument("--cores", type=int, required=True, help="of a node: all of them")
parser.add_argument("--memory", required=True, help="of a node, such as 32GB")
parser.add_argument("--walltime", default="04:00:00", help="of a job")
parser.add_argument("--host", help="address of this machine that the nodes reach")
options = parser.parse_args()

with SLURMCluster(
    queue=options.queue,
    cores=1,  # of these Dask makes threads: one task at a time
    job_cpu=options.cores,
    memory=options.memory,
    walltime=options.walltime,
    processes=1,
    job_extra_directives=["--exclusive"],  # nobody else's work in our energy
    job_script_prologue=["export PYTHONPATH=. DASK_CONFIG=deploy"],
    # Without its dashboard, too, a worker serves a page of figures: on its own machine alone.
    worker_extra_args=["--resources", "meter=1", "--dashboard-address", "127.0.0.1:0"],
    scheduler_options={
        "host": options.host,
        "dashboard": False,
        "dashboard_address": "127.0.0.1:0",
    },
) as cluster:
    cluster.scale(jobs=options.nodes)
    print(f"search --workers {cluster.scheduler_address}", flush=True)
    signal.pause()
