"""Models in MLflow: saved with a run, loaded from it, registered under a name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec

from ecotrack import litert_file
from ecotrack.litert_file import End, LiteRTFile

MODELS = "models:/"


def save(model: Any, run_id: str) -> str:
    """Save a model with a run, signed with the types it takes and gives; return its id.

    Args:
        model: a Keras model, or a LiteRTFile, which MLflow loads as a pyfunc.
        run_id: of the run.
    """
    client = mlflow.MlflowClient()
    run = client.get_run(run_id)
    # Left to itself, MLflow would file the model under the Default experiment.
    logged = client.create_logged_model(
        run.info.experiment_id, name="model", source_run_id=run_id, params=run.data.params
    )
    with TemporaryDirectory() as folder:
        how = _litert(model, Path(folder)) if isinstance(model, LiteRTFile) else _keras(model)
        Model.log(artifact_path=None, run_id=run_id, model_id=logged.model_id, **how)
    return logged.model_id


def uri(run_id: str) -> str:
    """The address of the model that a run saved.

    Raises:
        LookupError: the run saved none.
    """
    model_id = _model_id(run_id)
    if model_id is None:
        raise LookupError(f"run {run_id} saved no model")
    return f"{MODELS}{model_id}"


def exists(run_id: str) -> bool:
    """Whether a run saved a model."""
    return _model_id(run_id) is not None


def load(run_id: str) -> Any:
    """The Keras model that a run saved; one that carries code of its own is refused."""
    return mlflow.keras.load_model(uri(run_id), load_model_kwargs={"safe_mode": True})


def register(
    run_id: str, name: str, alias: str, *, card: str, about: str, tags: Mapping[str, str]
) -> str:
    """Register a run's model under `name`, point `alias` at it, and return the version.

    A run that is registered already keeps its version.

    Args:
        run_id: whose model it is.
        name, alias: of the registered model.
        card: description of this version, Markdown.
        about: description of the registered model, of all its versions.
        tags: of this version.
    """
    client = mlflow.MlflowClient()
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    client.update_registered_model(name, about)
    registered = client.search_model_versions(f"name = '{name}' AND run_id = '{run_id}'")
    if registered:
        version = registered[0]
    else:
        # A server refuses a model whose id does not stand beside its address.
        source = uri(run_id)
        model_id = source.removeprefix(MODELS)
        version = client.create_model_version(name, source, run_id, model_id=model_id)
    client.update_model_version(name, version.version, card)
    for key, text in tags.items():
        client.set_model_version_tag(name, version.version, key, text)
    client.set_registered_model_alias(name, alias, version.version)
    return str(version.version)


def _model_id(run_id: str) -> str | None:
    """The id of the model that a run saved last; None if it saved none."""
    outputs = mlflow.MlflowClient().get_run(run_id).outputs
    saved = outputs.model_outputs if outputs else []
    return saved[-1].model_id if saved else None


def _keras(model: Any) -> dict[str, Any]:
    (taken,), (given,) = model.inputs, model.outputs
    return {
        "flavor": mlflow.keras,
        "model": model,
        "signature": _signature((taken.dtype, taken.shape), (given.dtype, given.shape)),
        "pip_requirements": _pinned("keras", "tensorflow", "numpy"),
    }


def _litert(model: LiteRTFile, folder: Path) -> dict[str, Any]:
    file = folder / "model.tflite"
    file.write_bytes(model.content)
    return {
        "flavor": mlflow.pyfunc,
        "loader_module": Path(litert_file.__file__).stem,
        "code_paths": [litert_file.__file__],
        "data_path": str(file),
        "signature": _signature(model.takes, model.gives),
        "pip_requirements": _pinned("ai-edge-litert", "numpy"),
    }


def _signature(taken: End, given: End) -> ModelSignature:
    return ModelSignature(_schema(*taken), _schema(*given))


def _schema(kind: Any, shape: Sequence[Any]) -> Schema:
    """Of batches of any length."""
    return Schema([TensorSpec(np.dtype(kind), (-1, *shape[1:]))])


def _pinned(*packages: str) -> list[str]:
    # Inferring them would load the model in another process: 14 s instead of 0.05.
    return [f"{name}=={version(name)}" for name in packages]
