"""Title-native lip sync: the speaker's own mouth, re-timed to new speech. No Prefect, no tasks, no configs."""

#: Raised whenever what the engine renders changes; callers put it into their keys.
VERSION = 11
