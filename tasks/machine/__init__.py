"""This computer: child processes, signals, accelerators, loaded models and their weights.

In: command lines and names of models. Out: their answers, weights on disk, and what it all used.
It knows no step and no service.
"""
