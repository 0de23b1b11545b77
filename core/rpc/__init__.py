"""What core serves over gRPC: each module one service, thin; the rules are elsewhere."""
