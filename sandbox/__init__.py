"""Plays both outer worlds, an inbox and a phone network, for development, demos and tests. Never deployed."""
