"""The Prefect server, its workers and deployments, and their maintenance."""
