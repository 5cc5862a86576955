"""What is known of titles and branches: edits, results, summaries, what they cost and how far they are.

In: runs and what became of them. Out: the same, found again in the store and in the title's folder.
It starts nothing.
"""
