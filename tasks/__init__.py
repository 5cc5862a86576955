"""The steps of dubbing, one folder a step, and beside them what steps share, one folder a matter.

Plain Python but for `tasks.step.prefect`, each `task.py` and `tasks.services.slots`, which speak Prefect.
"""
