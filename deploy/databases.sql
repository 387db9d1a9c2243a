-- MLflow and Optuna each number their own migrations: they cannot share a database.
CREATE DATABASE optuna;
