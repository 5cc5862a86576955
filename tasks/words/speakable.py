"""Whether a text has anything to say: the one rule that holds for every translator and every voice."""


def speaks(text: str) -> bool:
    """Whether a text has a letter or a digit of any script; dots, notes and pictures alone are silent."""
    return any(sign.isalnum() for sign in text)
