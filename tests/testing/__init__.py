"""kito.testing, held to what it says: every way to ask, to read, to leave, and every leak that it has to see."""
