"""What the broker carries for hosts: their accounts there, and room for them."""
