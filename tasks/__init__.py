"""The steps of dubbing, one folder a step. Plain Python but for `step.py` and each `task.py`, which speak Prefect."""
