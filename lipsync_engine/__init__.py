"""Title-native lip sync: the speaker's own mouth, re-timed to new speech. No Prefect, no tasks, no configs."""
