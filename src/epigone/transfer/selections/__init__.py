"""Selections of weights: an expression becomes masks over the parameters of a model."""
