"""
Keeps directories in step between Globus shared collections, unattended.

config -> pairs         what is wanted: one source, one destination each
state                   what is remembered: reserved submission ids, last tasks, last successes
service -> tasks        what Globus says, asked once for all pairs
settle, start           what follows from the three: exactly one live task per pair
verdicts -> report      what a person reads about it, and the exit status; as_json tells programs, notify mailboxes
cli -> session          the command line, and what it needs opened; watch and check are its other two jobs
"""
