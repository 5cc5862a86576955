"""Whether speech is understood: what a recogniser hears in it, against what it should say."""
