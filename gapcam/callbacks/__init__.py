"""What happens around a run."""
