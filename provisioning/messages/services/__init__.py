"""What is done by way of a Message Server, and what History says of it."""
