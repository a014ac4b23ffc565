"""The science as pure functions on tensors: maps, components, boxes, rules."""
