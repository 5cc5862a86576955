"""Title-native lip sync: the speaker's own mouth, re-timed to new speech. Knows nothing of Prefect, tasks or configs."""
