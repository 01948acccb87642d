# Tasks of handlers: how they are cancelled.
