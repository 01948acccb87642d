# Socket options of accepted connections; nothing here is visible to Python.
