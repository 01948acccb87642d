"""The place of the middleware that ships with kito, one a module. Nothing is public here yet."""
