"""Where a server listens and whom it believes: TLS, sockets of every kind, proxies; over real sockets."""
