"""Title-native lip sync: the speaker's own mouth, re-timed to new speech.

In: a title, and for each dub its sound and what it says. Out: the title's picture speaking the dub, and a report.
It knows nothing of Prefect, of the steps or of profiles.
"""

#: Raised whenever what the engine renders changes; callers put it into their keys.
VERSION = 27
