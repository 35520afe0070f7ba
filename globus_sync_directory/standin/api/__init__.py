"""The routes of Globus Auth and Globus Transfer: from HTTP to the engine, and from its values to JSON."""
