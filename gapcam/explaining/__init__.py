"""Where a network looks in pictures of one's own: what `gapcam.explain` is made of."""
