"""The routes of Globus Auth and Globus Transfer: they translate HTTP to the engine, and its values to documents."""
