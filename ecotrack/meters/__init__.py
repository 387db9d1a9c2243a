"""Where joules come from, how well they are known, and whose turn it is to be measured."""
