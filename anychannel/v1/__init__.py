"""Generated from protos/anychannel/v1 by `make protos`."""
