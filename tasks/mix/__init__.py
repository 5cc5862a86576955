"""Dialogue over bed, at the preset's loudness, measured after the encode (`tasks.mix.mix`)."""

VERSION = 1
