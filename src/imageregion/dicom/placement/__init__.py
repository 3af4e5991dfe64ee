"""Placement: where frames lie, how large their pixels are, what else tells them apart."""
