"""The steps of dubbing, one folder a step, and beside them what steps share, one folder a matter.

Plain Python, which a notebook could call: `tasks.step.prefect` and `tasks.services` alone import Prefect.
"""
