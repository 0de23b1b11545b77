"""The core: owns every rule and all state."""
