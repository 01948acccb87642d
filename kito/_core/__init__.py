"""The compiled core: bytes, time and state. It knows nothing of routes and names; the facade gives them meaning."""
