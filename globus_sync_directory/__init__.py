"""
Keeps directories in step between Globus shared collections, unattended.

cli          the command line: options in, exit status out
commands     what each command opens, does and reports: a run, -d, -n, -w, check
sync         one run, a phase a file; sync/run.py has the order of the phases on one screen
notify       what has changed since a person was last told, and the mail about it
config       config.ini and the secret file -> settings
state        the state file: what is remembered between runs, and the lock
globus       every question to Globus, and what its errors mean; the only importer of the SDK
output       reports -> text, JSON, progress, log
model        the values that all of these exchange
errors, text the exit statuses; text from outside, made safe to print
standin      a local Globus for the demo, rehearsals and tests; it and the tool import nothing of each other

A module imports from its own room and from rooms further down. docs/architecture.md says more.
"""
