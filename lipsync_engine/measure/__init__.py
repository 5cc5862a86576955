"""What can be said of finished mouths: agreement with speech, likeness, steadiness, place and residue.

In: a finished picture, its sound and the source. Out: figures.
It changes nothing and does not know how a mouth was drawn.
"""
