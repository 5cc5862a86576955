"""Dialogue over bed, at the preset's loudness, measured after the encode (`tasks.mix.mix`).

In: the dub's dialogue, the bed (stereo, or 5.1 as L R C LFE Ls Rs) and the original dialogue. Out: a mix with the bed's
channels, and the encoded dub.
"""

VERSION = 6
