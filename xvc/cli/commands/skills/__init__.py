"""What coding agents learn xvc from: list, and copy to where an agent looks."""
