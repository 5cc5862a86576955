"""Network services: HTTP with retries and limits, secrets, outages, concurrency slots of the fleet.

In: addresses and requests of a backend. Out: checked responses and their cost.
It depends on no step.
"""
