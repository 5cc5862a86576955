"""Text of any language: sentences, syllables, spacing, what can be spoken and how it is said.

In: text and a language. Out: text, or counts of it.
It knows no step, no sound and no file.
"""
