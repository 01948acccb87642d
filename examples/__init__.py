"""Programs that show kito at work: ``streaming.py`` is the shortest, ``python -m examples`` serves a live page."""
