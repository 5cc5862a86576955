"""How pictures mean light, and how they are encoded.

In: facts of a picture. Out: options of ffmpeg.
It knows no step.
"""
