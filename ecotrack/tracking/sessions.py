"""What the sessions of a study cost, one by one, as the tags of its run tell.

A session keeps its account as it goes. Of one that was killed, the ledger may know more: that is a
second account, until the study goes on and bills it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

from ecotrack import metrics
from ecotrack.measurement import Measurement, from_fields

Cost = tuple[float, float]  # Wh and grams of CO2 equivalent
NOTHING: Cost = (0.0, 0.0)


def account(process: str, cost: Cost) -> dict[str, str]:
    """The tag of what a session has cost, which is in the study's figure."""
    return {f"{metrics.SESSION_TAG}.{process}": json.dumps(cost)}


def second_account(process: str, cost: Measurement) -> dict[str, str]:
    """The tag of what a killed session had cost, which is not there yet."""
    return {f"{metrics.UNBILLED_TAG}.{process}": json.dumps(asdict(cost))}


def second_accounts(tags: Mapping[str, str]) -> dict[str, Measurement]:
    """Process -> what its session had cost."""
    told = by_process(tags, metrics.UNBILLED_TAG)
    return {process: from_fields(json.loads(text)) for process, text in told.items()}


def cost_of(session: Measurement) -> Cost:
    """Its energy and emissions."""
    return session.total_wh, session.co2_g


def costs(tags: Mapping[str, str]) -> dict[str, Cost]:
    """Process -> cost of its session, by the dearer of its accounts."""
    seconds = {process: cost_of(found) for process, found in second_accounts(tags).items()}
    firsts = _firsts(tags)
    return {p: max(firsts.get(p, NOTHING), seconds.get(p, NOTHING)) for p in firsts | seconds}


def missing(tags: Mapping[str, str]) -> Cost:
    """What the second accounts know beyond the first ones: it is not in the study's figure."""
    firsts, best = _firsts(tags), costs(tags)
    more = [(best[p], firsts.get(p, NOTHING)) for p in best]
    return sum(b[0] - f[0] for b, f in more), sum(b[1] - f[1] for b, f in more)


def by_process(tags: Mapping[str, str], tag: str) -> dict[str, str]:
    """Process -> text, of all tags that are this one for a process."""
    prefix = f"{tag}."
    return {key.removeprefix(prefix): text for key, text in tags.items() if key.startswith(prefix)}


def _firsts(tags: Mapping[str, str]) -> dict[str, Cost]:
    told = by_process(tags, metrics.SESSION_TAG)
    return {process: tuple(json.loads(text)) for process, text in told.items()}
