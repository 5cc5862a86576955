"""One title: its flow, the flow of each of its languages, and how both are started and shown.

In: a checked run. Out: delivered masters, and a state that says how each language ended.
It knows nothing of batches.
"""
