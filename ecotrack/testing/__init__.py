"""Machines to test energy code on: counters, a GPU and a clock that a test moves by known steps.

>>> with Clock() as clock, PowercapMachine(folder).installed() as machine:
...     with CodeCarbonMeter(grid("WORLD")) as meter, measure(meter) as window:
...         clock.advance(10)
...         machine.advance(joules=500, dram_joules=40)
>>> round(window.cost.cpu_j), round(window.cost.ram_j)
(500, 40)

They stand in for hardware alone: the CodeCarbon that reads them is the real one.
"""

from ecotrack.testing.clock import Clock
from ecotrack.testing.nvml import NvmlMachine
from ecotrack.testing.powercap import PowercapMachine

__all__ = ["Clock", "NvmlMachine", "PowercapMachine"]
