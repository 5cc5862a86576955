"""Shots for other lip-sync systems, and their mouths taken back.

In: a title's tracks and what another system made of its shots. Out: clips to give away, and frames with its mouths.
It knows no system by name.
"""
