"""The edge: terminates HTTP from outside and forwards it to core."""
