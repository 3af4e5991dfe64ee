"""How imageregion compares with other libraries: the same results first, then the time."""
