"""A Prefect server, its workers and deployments, and what keeps them going."""
