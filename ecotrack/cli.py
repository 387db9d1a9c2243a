"""From a frozen dataclass to a command line: the dataclass is the only truth.

Every option takes a value, since MLproject passes no bare flags: booleans are `true` or `false`,
what is not given is `none`. Bad input is one line on stderr and exit code 2.
"""

import argparse
import dataclasses
import math
import re
import sys
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

NONE = "none"
C = TypeVar("C")


class UserError(Exception):
    """The user can mend this: the message says what happened, the value, the way out."""


def option(
    default: Any,
    help: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    pattern: str | None = None,
    one_of: Sequence[str] | None = None,
) -> Any:
    """A dataclass field that is also a command-line option, with the limits of its values.

    `pattern` is a regular expression for text, `one_of` the names that there are.
    """
    limits = {"at_least": at_least, "at_most": at_most, "pattern": pattern, "one_of": one_of}
    metadata = {"help": help, **limits}
    return dataclasses.field(default=default, metadata=metadata)


def parse(config_type: type[C], argv: Sequence[str], *, prog: str, description: str) -> C:
    """Build a config from command-line words.

    Raises:
        UserError: an unknown option, or a value of the wrong type or out of its range.
    """
    parser = _Parser(
        prog=prog,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    hints = get_type_hints(config_type)
    for field in options(config_type):
        parser.add_argument(
            f"--{spell(field.name)}",
            metavar=takes(hints[field.name], field.metadata["one_of"]),
            help=_help(field).replace("%", "%%"),
        )
    words = vars(parser.parse_args(list(argv)))
    given = {
        field.name: _value(field, hints[field.name], words[field.name])
        for field in options(config_type)
        if words[field.name] is not None
    }
    return config_type(**given)


def options(config: Any) -> list[dataclasses.Field[Any]]:
    """The options of a config or its type, in order: what many commands share comes last."""
    return sorted(dataclasses.fields(config), key=lambda field: bool(field.kw_only))


def parameters(config: Any) -> dict[str, str]:
    """A config as the command line would spell it: option name -> text."""
    return {spell(field.name): render(getattr(config, field.name)) for field in options(config)}


def spell(name: str) -> str:
    """`min_accuracy` in Python is `min-accuracy` for people."""
    return name.replace("_", "-")


def takes(hint: Any, names: Sequence[str] | None = None) -> str:
    """What values of a type are, or which names there are: `INTEGER|none`, `auto|cpu|gpu`."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        inner = next(arg for arg in args if arg is not type(None))
        return f"{takes(inner, names)}|{NONE}"
    if origin is tuple:
        return f"{takes(args[0], names)},..."
    if origin is Literal or names:
        return "|".join(names or args)
    return {bool: "true|false", int: "INTEGER", float: "NUMBER", str: "TEXT"}[hint]


def render(value: Any) -> str:
    """A value as it is typed on the command line and in MLproject."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(render(item) for item in value)
    return str(value)


@contextmanager
def one_line_errors(prog: str) -> Iterator[None]:
    """Turn a UserError into one line on stderr and exit code 2."""
    try:
        yield
    except UserError as error:
        print(f"{prog}: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see --help")


def _help(field: dataclasses.Field[Any]) -> str:
    limits = {"at least": field.metadata["at_least"], "at most": field.metadata["at_most"]}
    told = [f"{which} {limit:.10g}; " for which, limit in limits.items() if limit is not None]
    return f"{field.metadata['help']} ({''.join(told)}default: {render(field.default)})"


def _value(field: dataclasses.Field[Any], hint: Any, word: str) -> Any:
    name = f"--{spell(field.name)}"
    try:
        value = _convert(hint, word.strip())
    except ValueError:
        raise UserError(f"{name} takes {takes(hint)}, got {word!r}") from None
    pattern = field.metadata["pattern"]
    if pattern and not re.fullmatch(pattern, str(value)):
        raise UserError(f"{name} must match {pattern}, got {word!r}")
    for item in value if isinstance(value, tuple) else (value,):
        if field.metadata["one_of"] and item not in field.metadata["one_of"]:
            there = ", ".join(field.metadata["one_of"])
            raise UserError(f"{name} has no {item!r}; there are {there}")
        _check_range(name, item, field.metadata["at_least"], field.metadata["at_most"])
    return value


def _check_range(name: str, value: Any, low: float | None, high: float | None) -> None:
    if value is None:
        return
    if low is not None and not value >= low:
        raise UserError(f"{name} must be at least {low}, got {value}")
    if high is not None and not value <= high:
        raise UserError(f"{name} must be at most {high}, got {value}")


def _convert(hint: Any, word: str) -> Any:
    """Text to a value of the hinted type; ValueError when it is none."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        inner = next(arg for arg in args if arg is not type(None))
        return None if word.lower() == NONE else _convert(inner, word)
    if origin is tuple:
        return tuple(dict.fromkeys(_convert(args[0], item.strip()) for item in word.split(",")))
    if origin is Literal:
        if word not in args:
            raise ValueError
        return word
    if hint is bool:
        if word.lower() not in ("true", "false"):
            raise ValueError
        return word.lower() == "true"
    if hint is int and "e" in word.lower():  # 1e6 is how people write a million
        if not float(word).is_integer():
            raise ValueError
        return int(float(word))
    if hint is float and word.endswith("%"):
        return _convert(float, word[:-1]) / 100
    value = hint(word)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError
    return value
