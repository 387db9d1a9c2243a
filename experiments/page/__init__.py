"""The report's page: what the store holds, drawn, told and rendered as one file."""
