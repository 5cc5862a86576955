"""What is said and when: phones, their times, and the gestures of a mouth that go with them.

In: sound and text, or phones of a synthesiser. Out: timed phones, articulation and emphasis.
It knows neither pictures nor faces.
"""
