"""The providers core knows: where they are, what they said of themselves, and how they are called."""
