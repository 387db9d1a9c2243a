"""From what was measured to tables, pictures and findings: one file for each question."""
