"""What is asked for, checked: a plan of runs, each with its own name and folder.

In: what was typed, or a row of a list. Out: checked runs.
It knows nothing of what was dubbed before.
"""
