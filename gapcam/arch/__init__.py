"""Networks that end in global average pooling, as LightningModules."""
