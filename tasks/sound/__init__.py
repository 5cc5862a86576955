"""What can be heard in sound: speech, loudness, voices, residue of a voice.

In: files, through the door. Out: filter graphs, blocks of samples (float32 [n, channels]) and figures.
It knows no step.
"""
