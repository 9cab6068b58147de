"""The networks in torch: the built-in one, and the stack of layers that the published ones share."""
