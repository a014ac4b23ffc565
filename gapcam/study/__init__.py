"""What the paper does with a trained network."""
