"""The engine: what waits on a channel's lanes goes out in order, at its pace, until it is settled."""
