"""What a Message Server has stored and who is connected there, asked of whichever member serves."""
