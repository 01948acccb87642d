"""The middlewares that ship with kito, each over real sockets."""
