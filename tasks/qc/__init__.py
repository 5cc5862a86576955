"""Quality gates of one language, measured on what is delivered (`tasks.qc.qc`).

In: the master, its stems and its script. Out: figures, and a gate for each that has limits (`configs/gates.yaml`).
It changes nothing of what it measures.
"""

VERSION = 11
