"""What searches may try: a space for each family of workloads."""
