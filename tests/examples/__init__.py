"""The examples, every one of them executed."""
