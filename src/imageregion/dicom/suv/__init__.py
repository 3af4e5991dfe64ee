"""Standardized uptake values of PET."""
