"""The mouth as it is painted into the frame: shape, teeth, cavity, texture, grain and edge.

In: frames, tracks and a plan. Out: frames that differ within the mouth's patch alone.
It decides nothing about timing.
"""
