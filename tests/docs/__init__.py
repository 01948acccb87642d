"""The documentation, held to what it says: programs are run, tables compared with the code, links followed."""
