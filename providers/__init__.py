"""The providers kept in this repository; each obeys the rule of outsiders: it imports `anychannel` and its own folder."""
