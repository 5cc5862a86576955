"""Places takes into their slots: stretched within bounds, extended into pauses, never cut.

One way of doing it (`tasks.fit.fit`): a pure plan of placements, then one streaming pass that lays the dialogue stem.
"""

VERSION = 2
