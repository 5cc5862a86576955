"""How each mouth is to move: the path of its shapes, and which frames are left as they are.

In: tracks, phones and the habits of the speaker. Out: an edit, frame by frame.
It reads no picture and draws none.
"""
