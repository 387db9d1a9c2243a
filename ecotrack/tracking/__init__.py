"""MLflow, spoken once: the store, its runs, their models and views. The only importer of mlflow.

Everything goes by run id through the client; MLflow's "active run" is never used, because under
`mlflow run` it swallows the project's run (mlflow#15713).
"""

import os

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # two lines a trial
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # of files read back
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")  # its migrations are not our user's news

from ecotrack.tracking.record import Record
from ecotrack.tracking.run_view import RunView
from ecotrack.tracking.store import Store

__all__ = ["Record", "RunView", "Store"]
