"""NVIDIA GPUs without the hardware: a `pynvml` whose energy counters a test moves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

from codecarbon.core import gpu, gpu_nvidia, hardware_cache

GIB = 2**30


class NvmlMachine:
    """GPUs with an energy counter each, in millijoules as NVML has them.

    CodeCarbon does not look twice within 50 ms, so let time pass: see `Clock`.

    >>> with Clock() as clock, NvmlMachine(gpus=2).installed() as gpus:
    ...     with CodeCarbonMeter(grid("WORLD")) as meter, measure(meter) as window:
    ...         clock.advance(10)
    ...         gpus.advance(joules=900)
    >>> round(window.cost.gpu_j)
    900

    Args:
        gpus: how many.
        power_w: power that they say they draw; it does not move the counters.
    """

    def __init__(self, gpus: int = 1, power_w: float = 200.0) -> None:
        self._energy_j = [1e6 * (index + 1) for index in range(gpus)]
        self._forbidden: set[int] = set()
        self._power_w = power_w
        self.module = self._module()

    def advance(self, gpu: int = 0, *, joules: float) -> None:
        """Move a GPU's counter.

        Raises:
            ValueError: joules are negative.
        """
        if joules < 0:
            raise ValueError(f"a counter does not move by {joules} J")
        self._energy_j[gpu] += joules

    def reset(self, gpu: int = 0) -> None:
        """Set a counter to zero, as a reload of the driver does."""
        self._energy_j[gpu] = 0.0

    def forbid(self, gpu: int = 0) -> None:
        """Let a counter answer with an error; it goes on counting."""
        self._forbidden.add(gpu)

    def allow(self, gpu: int = 0) -> None:
        """Let it be read again."""
        self._forbidden.discard(gpu)

    @contextmanager
    def installed(self) -> Iterator[NvmlMachine]:
        """Stand in for `pynvml`, for CodeCarbon and for whoever imports it inside the block."""
        with ExitStack() as stack:
            for target, name, value in (
                (gpu_nvidia, "pynvml", self.module),
                (gpu, "pynvml", self.module),
                (gpu, "PYNVML_AVAILABLE", True),
                (gpu, "is_nvidia_system", lambda: True),
                (hardware_cache, "_plans", {}),  # what CodeCarbon found before is not here
            ):
                stack.enter_context(mock.patch.object(target, name, value))
            stack.enter_context(mock.patch.dict(sys.modules, pynvml=self.module))
            yield self

    def _module(self) -> ModuleType:
        error = type("NVMLError", (Exception,), {})

        def energy_mj(gpu: int) -> int:
            if gpu in self._forbidden:
                raise error("Insufficient Permissions")
            return round(self._energy_j[gpu] * 1e3)

        def always(value: object) -> Callable[..., Any]:
            return lambda *_: value

        answers: dict[str, Any] = {
            "NVMLError": error,
            "NVMLError_NotSupported": type("NVMLError_NotSupported", (error,), {}),
            "NVML_TEMPERATURE_GPU": 0,
            "nvmlInit": always(None),
            "nvmlShutdown": always(None),
            "nvmlDeviceGetCount": always(len(self._energy_j)),
            "nvmlDeviceGetHandleByIndex": lambda index: index,
            "nvmlDeviceGetName": always("Fixture GPU"),
            "nvmlDeviceGetUUID": lambda index: f"GPU-00000000-0000-0000-0000-{index:012d}",
            "nvmlDeviceGetMemoryInfo": always(
                SimpleNamespace(total=16 * GIB, used=GIB, free=15 * GIB)
            ),
            "nvmlDeviceGetTemperature": always(40),
            "nvmlDeviceGetPowerUsage": always(round(self._power_w * 1e3)),
            "nvmlDeviceGetEnforcedPowerLimit": always(300_000),
            "nvmlDeviceGetTotalEnergyConsumption": energy_mj,
            "nvmlDeviceGetUtilizationRates": always(SimpleNamespace(gpu=50, memory=10)),
            "nvmlDeviceGetComputeMode": always(0),
            "nvmlDeviceGetComputeRunningProcesses": always([]),
            "nvmlDeviceGetGraphicsRunningProcesses": always([]),
        }
        module = ModuleType("pynvml")
        vars(module).update(answers)
        return module
