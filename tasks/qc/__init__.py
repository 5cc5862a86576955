"""Quality gates of one language, measured on what is delivered (`tasks.qc.qc`)."""

VERSION = 9
