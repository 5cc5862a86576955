"""Services behind the network: HTTP with retries and bounds, secrets, outages, slots of the fleet.

In: addresses and requests of a backend. Out: checked answers, and what they cost.
It knows no step.
"""
