"""The commands that belong to no experiment: python -m ecotrack COMMAND [options]."""

from __future__ import annotations

import ast
import importlib
import signal
import sys
from collections.abc import Sequence
from importlib.resources import files

from ecotrack.cli import UserError, one_line_errors

COMMANDS = {  # name -> module: its `main` takes the words, its docstring says what for
    "compare": "compare",
    "doctor": "doctor",
    "exec": "execute",
    "price": "price",
    "total": "total",
}


def main(words: Sequence[str]) -> int | None:
    """Hand the words after a command's name to its module, which is not imported before.

    Raises:
        UserError: no command, or an unknown one.
    """
    name = words[0] if words else ""
    if name in ("--help", "-h"):
        print(overview())
        return 0
    if name not in COMMANDS:
        wrong = f"there is no command {name!r}" if name else "a command is missing"
        raise UserError(f"{wrong}; there are {', '.join(COMMANDS)}; see --help")
    return importlib.import_module(f"ecotrack.commands.{COMMANDS[name]}").main(words[1:])


def overview() -> str:
    """The commands with a sentence each."""
    lines = [f"  {name:8} {sentence(module)}" for name, module in COMMANDS.items()]
    return "\n".join(["usage: python -m ecotrack COMMAND [options]", "", *lines])


def sentence(module: str) -> str:
    """The first line of a module's docstring, read without importing it."""
    source = files("ecotrack.commands").joinpath(f"{module}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").splitlines()[0]


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # ends quietly; what opens a run catches it itself
    with one_line_errors("ecotrack"):
        sys.exit(main(sys.argv[1:]))
