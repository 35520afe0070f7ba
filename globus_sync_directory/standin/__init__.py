"""
A stand-in for Globus: a real HTTP server on loopback that answers as Globus Auth and Globus Transfer do and really
copies files between local directories, for a demo, rehearsals and tests.

It is no Globus: no collection beyond this host, no browser login, no groups, roles, timers or search, no TLS, and
nothing survives its end but the files. It and the tool import nothing from each other; they meet over HTTP only.
"""
