"""The pictures of the pages: each can be made again, from the newest runs, and none is heavy."""

import io
import re

import pytest
from PIL import Image

from docs import gallery
from ecotrack import figures, metrics
from ecotrack.cli import UserError
from ecotrack.measurement import Result
from ecotrack.tracking import Store
from experiments.reports import views
from tests.conftest import ROOT, Home
from tests.page import stores
from tests.test_pages import TEXTS

MADE = {*gallery.FILES, *gallery.VIEWS, "report.png"}
BENCHED = "scale.png"  # by make bench-cluster, of no run
MOST_BYTES = 200_000


def test_every_picture_is_made_by_the_gallery_and_shown_on_its_page():
    assert {path.name for path in (ROOT / "docs").glob("*.png")} == {*MADE, BENCHED}
    assert f"]({BENCHED})" in TEXTS["cluster.md"]
    assert set(re.findall(r"!\[.+\]\((\S+\.png)\)", TEXTS["gallery.md"])) == MADE


@pytest.mark.parametrize("name", sorted({*MADE, BENCHED}))
def test_a_picture_is_light(name: str):
    assert (ROOT / "docs" / name).stat().st_size < MOST_BYTES


def drawn(title: str) -> bytes:
    return figures.png(figures.history({1: 1.0, 2: 2.0}, title, "value"))


def add(store: Store, kind: str, title: str) -> None:
    """A run with all the files of its kind that the gallery shows."""
    files = {file: drawn(title) for of, file in gallery.FILES.values() if of == kind}
    with store.run(kind, title, {}, {metrics.KIND_TAG: kind}) as record:
        record.log(Result(artifacts=files))


def test_pictures_are_of_the_newest_runs_that_have_them(study_home: Home):
    store = Store()
    added = ("sorting", "pi", "train", "augmentation")  # the finished study has the others
    for kind in added:
        add(store, kind, "old")
        add(store, kind, "new")
    stores.add_benchmarks(store)  # newer, and without pictures
    views.sorting(store)
    made = dict(gallery.pictures(store))
    assert set(made) == MADE
    for name, (kind, _) in gallery.FILES.items():
        assert (made[name] == drawn("new")) == (kind in added), name
    sizes = {name: Image.open(io.BytesIO(picture)).size for name, picture in made.items()}
    assert {sizes[name] for name in gallery.VIEWS} == {(1500, 900)}
    width, height = sizes["report.png"]
    assert 700 < width < 1120
    assert height > 600
    reduced = gallery.reduced(made["front.png"])
    assert len(reduced) < len(made["front.png"])
    assert Image.open(io.BytesIO(reduced)).size == sizes["front.png"]


def test_a_store_without_such_a_run_is_told_what_lacks(home: Home):
    with pytest.raises(UserError, match=r"no finished run of sorting has a time\.png"):
        dict(gallery.pictures(Store()))
