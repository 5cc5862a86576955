"""Whether a text can be spoken: one rule for all translators and voices."""


def speaks(text: str) -> bool:
    """Whether a text has a letter or a digit of any script; dots, notes and pictures alone are silent."""
    return any(sign.isalnum() for sign in text)
