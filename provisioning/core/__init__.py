"""What every slice stands on: who may, what is told to pages and control, texts, how old a word is."""
