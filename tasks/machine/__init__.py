"""The local machine: child processes, signals, accelerators, loaded models and their weights.

In: command lines and names of models. Out: process output, weights on disk, and resource usage.
It depends on no step and no service.
"""
