"""The live page of the examples: one kito server, five ways to stream, and the code of each beside it."""
