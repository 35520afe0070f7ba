"""Globus: the questions that this tool asks, and what the answers mean. No other room imports the SDK."""
