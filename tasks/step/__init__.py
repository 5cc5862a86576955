"""The machinery that runs steps.

In: a run, and a function that computes. Out: the step's record, found in the store or made and committed.
It imports no step: `tasks.step.table` names them by text. Only `tasks.step.prefect` knows Prefect.
"""
