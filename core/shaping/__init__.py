"""Shaping: content as somebody said it → content as one platform can say it, with a note for every loss.

`shape` decides, `text` measures and splits, `wording` spells as plain text what a platform cannot show, `notes` lists
what can be noted, and `violations` says what is still wrong with a shaped content (nothing, if `shape` made it).
"""
