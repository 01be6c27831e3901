"""The pages of messages and of clients."""
