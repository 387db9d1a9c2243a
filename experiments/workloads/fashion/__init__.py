"""Fashion-MNIST: its images, models of different size, and their training."""
