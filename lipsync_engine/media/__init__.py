"""Pictures and sound of files, a window at a time.

In: paths of videos and recordings. Out: frames (uint8 [height, width, 3]), samples (float32 [n]) and encoded files.
It knows neither faces nor speech.
"""
