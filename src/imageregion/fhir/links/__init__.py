"""The way back from Observations: the resources of a Bundle, and the numbers they state."""
