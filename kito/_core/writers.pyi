# Which writer is for which transport; nothing of it is visible to Python.
