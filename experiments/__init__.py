"""The questions: one file, one question, one entry point of the same name."""
