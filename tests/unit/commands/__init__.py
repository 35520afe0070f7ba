"""Tests of the commands room."""
