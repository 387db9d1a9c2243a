"""`compare --by host`: the same work on several machines, as a table and a picture."""

import pytest

from ecotrack import metrics
from ecotrack.cli import UserError
from ecotrack.commands import compare
from tests.commands.test_compare import POLAND, keep, work
from tests.conftest import Home

LAPTOP = {metrics.HOST_TAG: "Laptop, 4 cores, id 1", metrics.KIND_TAG: "sorting", **POLAND}
SERVER = {**LAPTOP, metrics.HOST_TAG: "Server, 64 cores, id 2"}
SIZES = {"sizes": "1000", "country": "POL"}


def test_the_same_work_stands_side_by_side(home: Home, tmp_path, capsys):
    for tags, seconds in ((LAPTOP, 10.0), (LAPTOP, 14.0), (SERVER, 3.0)):
        keep("sorting", work(seconds), params=SIZES, tags=tags)
    keep("sorting", work(99.0), params={"sizes": "5"}, tags=LAPTOP)  # other work, on one machine
    picture = tmp_path / "by.png"
    compare.main(["--by", "host", "--picture", str(picture)])
    told = capsys.readouterr().out
    assert "Laptop, 4 cores" in told
    assert "Server, 64 cores" in told
    assert "12 s" in told  # the median of two
    assert "3 s" in told
    assert "99 s" not in told
    assert "Machine 1: Laptop, 4 cores, id 1" in told
    assert picture.read_bytes().startswith(b"\x89PNG")
    page = tmp_path / "by.html"
    compare.main(["--by", "host", "--picture", str(page)])
    assert "Server, 64 cores" in page.read_text()


def test_who_pays_for_the_electricity_is_not_the_work(home: Home, tmp_path, capsys):
    keep("sorting", work(1.0), params={**SIZES, "country": "FRA"}, tags=LAPTOP)
    keep("sorting", work(2.0), params=SIZES, tags=SERVER)
    compare.main(["--by", "host", "--picture", str(tmp_path / "by.png")])
    assert "Server" in capsys.readouterr().out


def test_work_of_one_machine_is_not_compared(home: Home):
    keep("sorting", work(1.0), params=SIZES, tags=LAPTOP)
    with pytest.raises(UserError, match="no work was done on two machines"):
        compare.main(["--by", "host"])


def test_groups_and_machines_are_two_questions(home: Home):
    with pytest.raises(UserError, match="--by host takes all runs"):
        compare.main(["--by", "host", "--first", "a"])
