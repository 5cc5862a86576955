"""A title to try Polydub on, and a picture of what came of it."""
