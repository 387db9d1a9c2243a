"""Where the benchmarks print."""

import sys

from rich.console import Console

PIPE_COLUMNS = 160


def terminal() -> Console:
    """The terminal, as wide as it is; a pipe has no edge and cuts no table."""
    return Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS)
