"""MM7 itself: bytes to objects and back.

Nothing in here knows of WSGI, of sockets or of the time. The endpoint stands on it, and so do the tools and the tests.
"""
