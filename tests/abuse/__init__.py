"""Attacks on a running server: others keep being served, memory stays within its bounds, and nothing stays behind."""
