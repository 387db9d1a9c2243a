"""The specimens: plain functions that know nothing of meters, MLflow or Optuna."""
