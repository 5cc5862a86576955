"""A small network for one speaker of one title that corrects the engine's own mouths; kept only where it wins.

In: a title, its tracks and the mouths as the engine draws them. Out: a network, its verdict and corrected frames.
It knows no language and is taught on nothing but the title.
"""
