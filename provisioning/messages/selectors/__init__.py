"""What is read of Message Servers."""
