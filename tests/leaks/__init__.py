"""What is left when many connections have come and gone: nothing."""
