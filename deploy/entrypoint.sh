#!/bin/sh
# Secrets go from files into the environment of one process: no URL or command line shows them.
set -eu
secret() { [ -r "/run/secrets/$1" ] && cat "/run/secrets/$1" || true; }
PGPASSWORD=$(secret postgres) PGUSER=ecotrack
MLFLOW_TRACKING_PASSWORD=$(secret mlflow)
MLFLOW_AUTH_ADMIN_PASSWORD=$MLFLOW_TRACKING_PASSWORD
MLFLOW_FLASK_SERVER_SECRET_KEY=$(secret flask)
export PGPASSWORD PGUSER MLFLOW_TRACKING_PASSWORD
export MLFLOW_AUTH_ADMIN_PASSWORD MLFLOW_FLASK_SERVER_SECRET_KEY
exec "$@"
