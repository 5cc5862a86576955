"""What passes between steps, and what goes wrong in them: small, frozen, JSON-ready.

In: plain values. Out: records, errors, registered backends and events of progress.
It knows no store, no process and no step.
"""
