"""Skills for coding agents: the texts that come with the package, and copying them."""
