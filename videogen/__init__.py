"""Controllable video generation with probabilistic latent models."""
