import dataclasses
import importlib
import re
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecotrack.cli import NONE, UserError, one_line_errors, option, parameters, parse, render, spell

Colour = Literal["red", "dark-blue"]
EXPERIMENTS = ("train", "augmentation", "search", "choose", "main")


@dataclass(frozen=True)
class Config:
    """One option of every kind."""

    whole: int = option(3, "a whole number", at_least=1, at_most=9)
    real: float = option(0.5, "a number", at_least=0)
    free: float = option(0.0, "a number without limits")
    yes: bool = option(True, "yes or no")
    text: str = option("some", "words")
    colour: Colour = option("red", "one of some")
    colours: tuple[Colour, ...] = option(("red",), "several of some")
    sizes: tuple[int, ...] = option((1, 2), "several numbers", at_least=1)
    maybe_whole: int | None = option(None, "a whole number or none", at_least=1)
    maybe_real: float | None = option(2.5, "a number or none", at_least=0, at_most=10)


def read(*words: str, config: type = Config) -> Any:
    return parse(config, words, prog="entry", description="What it does.")


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        (("--whole", "7"), "whole", 7),
        (("--whole=7",), "whole", 7),
        (("--whole", " 7 "), "whole", 7),
        (("--real", "1e-3"), "real", 0.001),
        (("--real", "2"), "real", 2.0),
        (("--free", "-1.5"), "free", -1.5),
        (("--yes", "false"), "yes", False),
        (("--yes", "True"), "yes", True),
        (("--text", "two words"), "text", "two words"),
        (("--colour", "dark-blue"), "colour", "dark-blue"),
        (("--colours", "red,dark-blue"), "colours", ("red", "dark-blue")),
        (("--colours", "dark-blue, red"), "colours", ("dark-blue", "red")),
        (("--sizes", "5"), "sizes", (5,)),
        (("--sizes", "3,1"), "sizes", (3, 1)),
        (("--sizes", "3,1,3"), "sizes", (3, 1)),
        (("--maybe-whole", "4"), "maybe_whole", 4),
        (("--maybe-whole", "none"), "maybe_whole", None),
        (("--maybe-real", "None"), "maybe_real", None),
        (("--maybe-real", "4"), "maybe_real", 4.0),
        (("--whole", "1", "--whole", "2"), "whole", 2),
    ],
)
def test_a_word_becomes_a_value_of_its_type(words, field, value):
    expected = dataclasses.replace(Config(), **{field: value})
    found = read(*words)
    assert found == expected
    assert type(getattr(found, field)) is type(value)


def test_what_is_not_given_has_its_default():
    assert read() == Config()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--whole", "nine"), ["--whole", "INTEGER", "'nine'"]),
        (("--whole", "1.5"), ["--whole", "INTEGER", "'1.5'"]),
        (("--whole", "none"), ["--whole", "INTEGER", "'none'"]),
        (("--whole", ""), ["--whole", "INTEGER", "''"]),
        (("--whole", "0"), ["--whole", "at least 1", "got 0"]),
        (("--whole", "-3"), ["--whole", "at least 1", "got -3"]),
        (("--whole", "10"), ["--whole", "at most 9", "got 10"]),
        (("--real", "much"), ["--real", "NUMBER", "'much'"]),
        (("--real", "-0.1"), ["--real", "at least 0", "got -0.1"]),
        (("--yes", "1"), ["--yes", "true|false", "'1'"]),
        (("--colour", "green"), ["--colour", "red|dark-blue", "'green'"]),
        (("--colour", "Red"), ["--colour", "red|dark-blue", "'Red'"]),
        (("--colours", "red,green"), ["--colours", "red|dark-blue,...", "'red,green'"]),
        (("--colours", ""), ["--colours", "''"]),
        (("--colours", "red,"), ["--colours", "'red,'"]),
        (("--sizes", "2,0"), ["--sizes", "at least 1", "got 0"]),
        (("--maybe-whole", "0"), ["--maybe-whole", "at least 1", "got 0"]),
        (("--maybe-whole", "few"), ["--maybe-whole", "INTEGER|none", "'few'"]),
        (("--maybe-real", "11"), ["--maybe-real", "at most 10", "got 11"]),
        (("--maybe_whole", "4"), ["--maybe_whole", "--help"]),
        (("--unknown", "4"), ["--unknown", "--help"]),
        (("--who", "4"), ["--who", "--help"]),
        (("stray",), ["stray", "--help"]),
        (("--whole",), ["--whole", "--help"]),
        (("--yes",), ["--yes", "--help"]),
    ],
)
def test_bad_input_is_refused_with_the_option_and_the_value(words, said):
    with pytest.raises(UserError) as refusal:
        read(*words)
    message = str(refusal.value)
    assert all(part in message for part in said), message


NOT_FINITE = ("nan", "inf", "-inf", "NaN", "Infinity", "1e999")


@pytest.mark.parametrize("word", NOT_FINITE)
@pytest.mark.parametrize("name", ["--real", "--free", "--maybe-real"])
def test_nan_and_infinity_are_refused_whatever_the_range(name, word):
    with pytest.raises(UserError, match=name):
        read(f"{name}={word}")


def test_names_are_spelled_with_hyphens():
    assert spell("max_latency_ms") == "max-latency-ms"
    assert set(parameters(Config())) == {spell(f.name) for f in dataclasses.fields(Config)}


@pytest.mark.parametrize(
    ("value", "word"),
    [(None, "none"), (True, "true"), (False, "false"), (0.005, "0.005"), (("a", "b"), "a,b")],
)
def test_a_value_is_rendered_as_it_is_typed(value, word):
    assert render(value) == word


def words_of(config: Any) -> list[str]:
    """As MLproject types them: every option with its value."""
    return [word for name, text in parameters(config).items() for word in (f"--{name}", text)]


def values(hint: Any, low: float | None, high: float | None) -> st.SearchStrategy[Any]:
    """Any value that an option of this type and range may have."""
    args = get_args(hint)
    if type(None) in args:
        return st.none() | values(args[0], low, high)
    if get_origin(hint) is tuple:
        return st.lists(values(args[0], low, high), min_size=1, max_size=4, unique=True).map(tuple)
    if get_origin(hint) is Literal:
        return st.sampled_from(args)
    if hint is int:
        return st.integers(low, high)
    if hint is float:
        return st.floats(low, high, allow_nan=False, allow_infinity=False)
    return {bool: st.booleans(), str: st.from_regex(r"[a-z][a-z0-9 -]*[a-z0-9]", fullmatch=True)}[
        hint
    ]


def configs(config: type) -> st.SearchStrategy[Any]:
    hints = get_type_hints(config)
    return st.builds(
        config,
        **{
            f.name: values(hints[f.name], f.metadata["at_least"], f.metadata["at_most"])
            for f in dataclasses.fields(config)
        },
    )


@given(configs(Config))
def test_every_config_survives_the_way_through_the_command_line(config):
    assert read(*(f"--{name}={text}" for name, text in parameters(config).items())) == config


@pytest.fixture(params=EXPERIMENTS)
def experiment(request) -> type:
    return importlib.import_module(f"experiments.{request.param}").Config


def test_the_defaults_of_every_experiment_are_values_it_takes(experiment):
    assert read(*words_of(experiment()), config=experiment) == experiment()


@given(data=st.data())
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_config_of_every_experiment_can_be_typed(name, data):
    experiment = importlib.import_module(f"experiments.{name}").Config
    config = data.draw(configs(experiment))
    assert read(*words_of(config), config=experiment) == config


def test_every_number_of_every_experiment_is_finite(experiment):
    for name, hint in get_type_hints(experiment).items():
        if hint is float or float in get_args(hint):
            for word in NOT_FINITE:
                with pytest.raises(UserError):
                    read(f"--{spell(name)}={word}", config=experiment)


def test_every_option_of_every_experiment_is_explained(experiment, capsys):
    with pytest.raises(SystemExit) as leaving:
        read("--help", config=experiment)
    assert leaving.value.code == 0
    page = re.sub(r"\s+", " ", capsys.readouterr().out)
    for field in dataclasses.fields(experiment):
        assert f"--{spell(field.name)} " in page
        told, default = re.escape(field.metadata["help"]), re.escape(render(field.default))
        (span,) = re.findall(rf"{told} \(([^()]*)default: {default}\)", page)
        for key in ("at_least", "at_most"):
            limit = field.metadata[key]
            assert limit is None or f"{limit:.10g}" in re.split(r"[ ;]+", span)


@pytest.mark.parametrize(
    "message", ["what, the value, the way out", "two\nlines", "three\r\nlines\n\nand a gap\n"]
)
def test_a_mistake_of_the_user_is_one_line_and_exit_code_2(message, capsys):
    with pytest.raises(SystemExit) as leaving, one_line_errors("entry"):
        raise UserError(message)
    printed = capsys.readouterr()
    assert leaving.value.code == 2
    assert printed.out == ""
    assert printed.err.startswith("entry: ")
    assert len(printed.err.splitlines()) == 1
    assert printed.err.endswith("\n")


def test_an_unknown_word_with_a_line_break_is_still_one_line(capsys):
    with pytest.raises(SystemExit), one_line_errors("entry"):
        read("--trials\n3", "4")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_mistake_of_ours_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError), one_line_errors("entry"):
        1 / 0  # noqa: B018


def test_none_is_spelled_in_one_way():
    assert render(None) == NONE == "none"


def test_a_percentage_is_a_number():
    assert read("--real", "2%").real == read("--real", "0.02").real == 0.02
    for word in ("%", "two%", "2%%x"):
        with pytest.raises(UserError, match="--real takes NUMBER"):
            read("--real", word)


@pytest.mark.parametrize("entry", ["sorting", "pi"])
def test_a_percent_sign_in_an_explanation_is_no_riddle(entry, capsys):
    with pytest.raises(SystemExit) as leaving:
        read("--help", config=importlib.import_module(f"experiments.{entry}").Config)
    assert leaving.value.code == 0
    assert "such as 2%" in re.sub(r"\s+", " ", capsys.readouterr().out)
