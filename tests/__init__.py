"""The suite. A folder a subject; what several folders share is in conftest.py."""
