"""The vocabulary: every metric and tag in the store, named once, the same in every experiment.

MLflow's UI groups charts by what stands before the last `/`. Wh and grams are what people read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ecotrack.amount import Amount, banded, columns, end_names
from ecotrack.measurement import Measurement

SCHEMA = 2  # of the names here: 2 knows origins and bands
READABLE = (1, 2)


@dataclass(frozen=True)
class Metric:
    """One row of the vocabulary."""

    name: str
    unit: str
    better: Literal["lower", "higher", "neither"]
    meaning: str


TABLE: dict[str, Metric] = {}
ENDS: set[str] = set()  # metrics that are an end of a band
FOLLOWS: dict[str, str] = {}  # metric -> the energy that it follows from, and has the band of


def _metric(
    name: str, unit: str, better: Literal["lower", "higher", "neither"], meaning: str
) -> str:
    TABLE[name] = Metric(name, unit, better, meaning)
    return name


def _energy(name: str, meaning: str) -> str:
    """A metric of energy, and the two ends of its band."""
    _metric(name, "Wh", "lower", meaning)
    for end, which in zip(end_names(name), ("low", "high"), strict=True):
        ENDS.add(_metric(end, "Wh", "lower", f"{which} end of the meters' band of {name}"))
    return name


def _follows(energy: str, name: str, unit: str, meaning: str) -> str:
    """A metric that is in proportion to that energy."""
    FOLLOWS[name] = energy
    return _metric(name, unit, "lower", meaning)


WALL_S = _metric("time/wall_s", "s", "lower", "elapsed time of the main phase")
CPU_S = _metric("time/cpu_s", "s", "lower", "CPU time of the main phase, children included, exact")
TOTAL_WH = _energy("energy/total_wh", "energy of the main phase")
NET_WH = _follows(TOTAL_WH, "energy/net_wh", "Wh", "energy above that of the idle machine")
CPU_WH = _energy("energy/cpu_wh", "the CPU's share of it")
RAM_WH = _energy("energy/ram_wh", "the memory's share of it")
GPU_WH = _energy("energy/gpu_wh", "the GPU's share of it")
EMISSIONS_G = _follows(TOTAL_WH, "carbon/emissions_g", "g CO2e", "emissions of the main phase")
EMISSIONS_KG = _follows(
    TOTAL_WH, "carbon/emissions_kg", "kg CO2e", "the same, in CodeCarbon's unit"
)
RUN_WH = _energy("run/energy_wh", "energy of the whole experiment, from its first window on")
RUN_G = _follows(RUN_WH, "run/emissions_g", "g CO2e", "emissions of the whole experiment")

EVAL_ACCURACY = _metric("eval/accuracy", "1", "higher", "share of the test images named rightly")
EVAL_ACCURACY_LOW = _metric("eval/accuracy_low", "1", "higher", "its 95 % Wilson interval, low end")
EVAL_ACCURACY_HIGH = _metric("eval/accuracy_high", "1", "higher", "the same, high end")
VAL_ACCURACY = _metric(
    "val/accuracy", "1", "higher", "share of the validation images named rightly"
)

PARAMETERS = _metric("model/parameters", "1", "lower", "weights of the model")
FLOPS = _metric("model/flops", "1", "lower", "floating-point operations of one prediction")
SIZE_BYTES = _metric("model/size_bytes", "B", "lower", "size of the weights, or of a LiteRT file")
INFERENCE_WH_PER_1K = _energy(
    "inference/energy_wh_per_1k", "energy of 1,000 predictions, in one batch"
)
INFERENCE_G_PER_1K = _follows(
    INFERENCE_WH_PER_1K, "inference/emissions_g_per_1k", "g CO2e", "emissions of 1,000 predictions"
)
INFERENCE_S_PER_1K = _metric(
    "inference/wall_s_per_1k", "s", "lower", "time of 1,000 predictions, in one batch"
)
LATENCY_MS = _metric("inference/latency_ms", "ms", "lower", "time of one prediction, alone")

TRAIN_LOSS = _metric("train/loss", "nat", "lower", "curve: training loss after each epoch")
TRAIN_ACCURACY = _metric("train/accuracy", "1", "higher", "curve: accuracy on the training images")
VAL_LOSS = _metric("val/loss", "nat", "lower", "curve: validation loss after each epoch")
VAL_ACCURACIES = _metric(
    "val/accuracy_by_epoch", "1", "higher", "curve: validation accuracy after each epoch"
)
TRAINED_S = _metric("train/cpu_s", "s", "lower", "curve: CPU time of training up to an epoch")
TRAINED_WH = _follows(TOTAL_WH, "train/energy_wh", "Wh", "curve: energy of training up to an epoch")
AUGMENTING_S = _metric(
    "augmentation/cpu_s", "s", "lower", "CPU time of augmentation, a part of training's"
)
AUGMENTING_WH = _follows(
    TOTAL_WH, "augmentation/energy_wh", "Wh", "training's energy in proportion to that time"
)

TEST_ACCURACIES = _metric(
    "eval/accuracy_by_epoch", "1", "higher", "curve: accuracy on the test images, where it was read"
)
DISTINCT_ACCURACY = _metric(
    "eval/accuracy_distinct", "1", "higher", "the same without near-duplicates of training images"
)
DISTINCT_ACCURACIES = _metric(
    "eval/accuracy_distinct_by_epoch", "1", "higher", "curve: the same, where it was read"
)
RECIPE_ENERGY_RATIO = _metric(
    "recipe/energy_ratio", "1", "lower", "training energy over that of the reference"
)
RECIPE_CPU_RATIO = _metric(
    "recipe/cpu_ratio", "1", "lower", "CPU time of training over that of the reference"
)

SEARCH_WH = _energy("search/energy_wh", "energy of the study, all sessions and trials")
SEARCH_G = _follows(SEARCH_WH, "search/emissions_g", "g CO2e", "emissions of the study")
SEARCH_S = _metric("search/wall_s", "s", "lower", "time spent searching, all sessions")
SEARCH_TRIALS = _metric("search/trials", "1", "neither", "trials finished")
SEARCH_FRONT = _metric("search/front_size", "1", "neither", "models on the front")
SEARCH_HYPERVOLUME = _metric(
    "search/hypervolume", "1", "higher", "curve: what the front dominates, in grams, no logarithm"
)

SEARCH_PAID = _metric(
    "search/paid_after", "1", "lower", "predictions after which the search has paid for itself"
)
CHOICE_BOUND = _metric(
    "choice/accuracy_bound", "1", "higher", "lower confidence bound of the validation accuracy"
)
CHOICE_SURE = _metric(
    "choice/sure", "1", "higher", "how sure it is that the chosen model meets the need"
)
CHOICE_LIFE_G = _metric(
    "choice/life_g", "g CO2e", "lower", "emissions of its search, training and predictions"
)

IDLE_W = _metric("idle/power_w", "W", "neither", "power of the machine doing nothing")
SORT_NS = _metric("sorting/ns_per_element", "ns", "lower", "curve by size: time for each element")
SORT_UJ = _follows(
    TOTAL_WH, "sorting/uj_per_element", "µJ", "curve by size: energy for each element"
)
SORT_G = _follows(
    TOTAL_WH, "sorting/g_per_element", "g CO2e", "curve by size: emissions of each element"
)
PI_NS = _metric("pi/ns_per_sample", "ns", "lower", "time for each sample, on the fewest threads")
PI_NJ = _follows(
    TOTAL_WH, "pi/nj_per_sample", "nJ", "energy for each sample, on the fewest threads"
)
PI_THROUGHPUT = _metric(
    "pi/throughput", "1/s", "higher", "samples each second, on the fewest threads"
)
PI_ERROR = _metric("pi/error", "1", "lower", "distance from π that was seen")
PI_EXPECTED_ERROR = _metric("pi/expected_error", "1", "lower", "root mean square error over seeds")
PI_SPEED_UP = _metric("pi/speed_up", "1", "higher", "curve by threads: against one thread")
PI_EFFICIENCY = _metric("pi/parallel_efficiency", "1", "higher", "curve: speed-up a thread")
PI_OCCUPANCY = _metric(
    "pi/occupancy", "1", "higher", "share of the GPU's threads that are at work at once"
)

EXIT_CODE = _metric("exec/exit_code", "1", "lower", "what the command said at its end; 0: all well")

PHASES = (
    "setup",
    "compile",
    "transfer",
    "eval",
    "test",
    "inference",
    "export",
    "idle",
)  # all but the one that a run is about


def phase_metrics(phase: str) -> tuple[str, str, str]:
    """Names of (seconds, Wh, grams) of a phase that is not the main one."""
    return f"time/{phase}_s", f"energy/{phase}_wh", f"carbon/{phase}_g"


for _phase in PHASES:
    _s, _wh, _g = phase_metrics(_phase)
    _metric(_s, "s", "lower", f"the same, of the phase {_phase}")
    _energy(_wh, f"the same, of the phase {_phase}")
    _follows(_wh, _g, "g CO2e", f"the same, of the phase {_phase}")

KIND_TAG = "ecotrack.kind"
SCHEMA_TAG = "ecotrack.schema"
STUDY_TAG = "ecotrack.study"
TRIAL_TAG = "ecotrack.trial"
PARETO_TAG = "ecotrack.pareto"
HOST_TAG = "ecotrack.host"
HARDWARE_TAG = "ecotrack.hardware"  # what machines have in common whose costs compare
DEVICE_TAG = "ecotrack.device"
RECIPE_TAG = "ecotrack.recipe"
FORMAT_TAG = "ecotrack.number_format"  # what training multiplied
PROCESS_TAG = "ecotrack.process"
LAUNCH_TAG = "ecotrack.launch"
RUN_TAG = "ecotrack.run"
REPEAT_OF_TAG = "ecotrack.repeat_of"  # of a training with another seed: the run that it repeats
EXPORT_OF_TAG = "ecotrack.export_of"  # of a smaller one: the run that trained its original
CHOSEN_TAG = "ecotrack.chosen"
REASON_TAG = "ecotrack.reason"
SOURCE_TAG = "ecotrack.energy_source"
WALL_TAG = f"{SOURCE_TAG}.wall"  # what no meter of the machine sees
INVALID_TAG = "ecotrack.invalid"
DISTURBED_TAG = "ecotrack.disturbed"
DOCTOR_TAG = "ecotrack.doctor"
COUNTRY_TAG = "ecotrack.country"
INTENSITY_TAG = "ecotrack.intensity_g_per_kwh"
INTENSITY_SOURCE_TAG = "ecotrack.intensity_source"
INTENSITY_YEAR_TAG = "ecotrack.intensity_year"
EXTRAPOLATED_TAG = "ecotrack.extrapolated_s"
LEDGER_TAG = "ecotrack.ledger"
SESSION_TAG = "ecotrack.session"  # and the process: what a session of a study has cost
UNBILLED_TAG = "ecotrack.unbilled"  # and the process: what it had cost when it was killed
WITHIN_TAG = "ecotrack.within"  # the run that measured it from outside; with a process: a session
DIRTY_TAG = "git.dirty"


def with_band(name: str, figure: Amount) -> dict[str, float]:
    """An energy as a run keeps it: the figure, and the ends of its band where they are known."""
    return {key: value for key, value in columns(name, figure).items() if value is not None}


def amount(name: str, seen: Mapping[str, float]) -> Amount:
    """An energy among a run's metrics, or what follows from one, with its band.

    Raises:
        KeyError: the run does not have it.
    """
    energy = FOLLOWS.get(name, name)
    low, high = map(seen.get, end_names(energy))
    return banded(seen.get(energy, 0.0), low, high).told_as(seen[name])


def source_tags(cost: Measurement) -> dict[str, str]:
    """How the energy of a run is known: at its weakest, and by component in full."""
    return {
        SOURCE_TAG: cost.source,
        f"{SOURCE_TAG}.cpu": str(cost.cpu_origin),
        f"{SOURCE_TAG}.ram": str(cost.ram_origin),
        f"{SOURCE_TAG}.gpu": str(cost.gpu_origin),
    }
