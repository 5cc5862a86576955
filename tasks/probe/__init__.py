"""What a source file is: its picture, its audio tracks, and whether it can be dubbed at all."""
