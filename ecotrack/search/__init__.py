"""A search that knows what it costs: what to try next, what it may cost, when to give it up."""
