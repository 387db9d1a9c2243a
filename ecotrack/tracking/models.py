"""Keras models in MLflow: saved with a run, loaded from it, registered under a name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import mlflow
import numpy as np
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec


def save(model: Any, run_id: str) -> str:
    """Save a Keras model with a run, signed with the types it takes and gives; return its id."""
    client = mlflow.MlflowClient()
    run = client.get_run(run_id)
    # Left to itself, MLflow would file the model under the Default experiment.
    logged = client.create_logged_model(
        run.info.experiment_id, name="model", source_run_id=run_id, params=run.data.params
    )
    Model.log(
        artifact_path=None,
        flavor=mlflow.keras,
        model=model,
        run_id=run_id,
        model_id=logged.model_id,
        signature=ModelSignature(_schema(model.inputs[0]), _schema(model.outputs[0])),
        # Inferring them would load the model in another process: 14 s instead of 0.05.
        pip_requirements=[f"{name}=={version(name)}" for name in ("keras", "tensorflow", "numpy")],
    )
    return logged.model_id


def uri(run_id: str) -> str:
    """The address of the model that a run saved.

    Raises:
        LookupError: the run saved none.
    """
    outputs = mlflow.MlflowClient().get_run(run_id).outputs
    if not outputs or not outputs.model_outputs:
        raise LookupError(f"run {run_id} saved no model")
    return f"models:/{outputs.model_outputs[-1].model_id}"


def exists(run_id: str) -> bool:
    """Whether a run saved a model."""
    outputs = mlflow.MlflowClient().get_run(run_id).outputs
    return bool(outputs and outputs.model_outputs)


def load(run_id: str) -> Any:
    """The Keras model that a run saved; one that carries code of its own is refused."""
    return mlflow.keras.load_model(uri(run_id), load_model_kwargs={"safe_mode": True})


def register(run_id: str, name: str, alias: str, card: str, tags: Mapping[str, str]) -> str:
    """Register a run's model under `name`, point `alias` at it, and return the version.

    A run that is registered already keeps its version.
    """
    client = mlflow.MlflowClient()
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    registered = client.search_model_versions(f"name = '{name}' AND run_id = '{run_id}'")
    version = (
        registered[0] if registered else client.create_model_version(name, uri(run_id), run_id)
    )
    client.update_model_version(name, version.version, card)
    for key, text in tags.items():
        client.set_model_version_tag(name, version.version, key, text)
    client.set_registered_model_alias(name, alias, version.version)
    return str(version.version)


def _schema(end: Any) -> Schema:
    return Schema([TensorSpec(np.dtype(end.dtype), (-1, *end.shape[1:]))])
