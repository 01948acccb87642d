"""The published program, run as it is printed and read by the clients that people use."""
