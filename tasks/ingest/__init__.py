"""A recorded dub, given as one file for a language, as citizen equal to synthesised speech.

Out: the same as `tasks.fit` gives: a dialogue stem on the picture's clock, placements of the lines, phones.
"""

VERSION = 1
