"""Numbers of the pixels under spans: distributions, moments, features, tables, estimators."""
