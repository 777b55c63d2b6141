"""One thin file a command: parse, call one flow, show its result."""
