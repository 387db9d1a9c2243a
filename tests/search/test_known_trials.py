"""What a study that is watched knows of its trials, beside what one that is read anew does."""

import optuna
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState

from ecotrack.search.known_trials import Trials
from ecotrack.search.trials import REPEAT_KEY, REUSED_KEY, STOPPED_KEY, counts

ENDS = st.sampled_from(("finished", "reused", "stopped", "passed over", "failed"))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.none() | st.integers(0, 5)),
        st.tuples(st.just("begin"), st.none()),
        st.tuples(ENDS, st.integers(0, 5)),
        st.tuples(st.just("look"), st.none()),
    ),
    max_size=40,
)


def take(study: optuna.Study, running: list[optuna.Trial], what: str, which: int | None) -> None:
    """One step of other processes."""
    if what == "wait":
        repeat = {} if which is None else {REPEAT_KEY: {"of": which, "seed": 1}}
        study.enqueue_trial({"size": 0.5}, user_attrs=repeat)
    elif what == "begin":
        running.append(study.ask())
    elif what != "look" and running:
        trial = running.pop(which % len(running))
        trial.suggest_float("size", 0, 1)
        for key in {"reused": [REUSED_KEY], "stopped": [STOPPED_KEY]}.get(what, ()):
            trial.set_user_attr(key, "x")
        if what in ("finished", "reused"):
            study.tell(trial, (0.5, 1.0))
        else:
            study.tell(trial, state=TrialState.FAIL if what == "failed" else TrialState.PRUNED)


@given(STEPS)
def test_a_watched_study_is_known_as_one_that_is_read_anew(steps):
    study, running = optuna.create_study(directions=("maximize", "minimize")), []
    watched = Trials(study)
    for what, which in steps:
        take(study, running, what, which)
        if what == "look":
            assert watched.tried == Trials(study).tried
    anew = Trials(study)
    for name in ("finished", "repeats", "results", "stopped", "tried", "waiting"):
        assert getattr(watched, name) == getattr(anew, name), name
    assert [t.number for t in watched.running] == sorted(t.number for t in running)
    trials = study.get_trials(deepcopy=False)
    for before in (None, *range(len(trials) + 1)):
        begun = [
            t.number
            for t in trials
            if counts(t) or (before is not None and t.state is TrialState.WAITING)
        ]
        number = sum(before is None or n < before for n in begun)
        assert watched.is_short(number + 1, before)
        assert not watched.is_short(number, before)
    done = [t for t in trials if counts(t) and t.state is not TrialState.RUNNING]
    assert watched.tried == len(done)


def test_what_happens_within_a_look_is_seen_after_it():
    study = optuna.create_study(directions=("maximize", "minimize"))
    trials = Trials(study)
    with trials.at_once():
        study.ask()
        with trials.at_once():
            assert not trials.running
        assert not trials.running
    assert len(trials.running) == 1
