"""Tests of the globus room."""
