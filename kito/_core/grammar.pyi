# Grammar of request heads that httptools leaves to a server; nothing here is visible to Python.
