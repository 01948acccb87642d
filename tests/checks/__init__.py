"""Checks of the project itself: its layers, its names, its stubs, its style, its packages."""
