"""The Prefect server, its workers and deployments, and their maintenance.

In: what the operator set. Out: a server with its pages, deployments and automations, and a store that is looked after.
It dubs nothing.
"""
