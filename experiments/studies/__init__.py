"""What `search` asks of a study: what may be tried, how, and what its front needs at the end."""
