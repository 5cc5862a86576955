"""Who is in the picture: faces found, followed, distinguished and stabilised over a title.

In: frames. Out: tracks of landmarks with shots, speakers, appearance and what covers a face.
It does not know what is said.
"""
