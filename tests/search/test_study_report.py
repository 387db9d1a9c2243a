from ecotrack import metrics
from ecotrack.search.study_report import front_of
from ecotrack.tracking import RunView
from tests.fronts.test_choosing import SEEN


def run(run_id: str, seen: dict[str, float], **tags: str) -> RunView:
    known = {getattr(metrics, tag): text for tag, text in tags.items()}
    return RunView(run_id, run_id, "FINISHED", {}, seen, known, "1", 0.0, 1.0, False)


def test_a_member_of_the_front_knows_what_its_own_repeats_reached():
    runs = [
        run("member", SEEN, PARETO_TAG="true"),
        run("beaten", SEEN, PARETO_TAG="false"),
        run("again", {metrics.VAL_ACCURACY: 0.90}, REPEAT_OF_TAG="member"),
        run("once more", {metrics.VAL_ACCURACY: 0.92}, REPEAT_OF_TAG="member"),
        run("of another", {metrics.VAL_ACCURACY: 0.5}, REPEAT_OF_TAG="beaten"),
        run("stopped", {}, REPEAT_OF_TAG="member"),
    ]
    (member,) = front_of(runs)
    assert (member.run_id, member.repeats) == ("member", (0.90, 0.92))
