"""From run directories to the paper's tables, side by side with the paper's numbers."""
