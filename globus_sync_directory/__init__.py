"""
Keeps directories in sync between Globus shared collections, unattended.

cli          the command line: options in, exit status out
commands     what each command opens, does and reports: a run, -d, -n, -w, check
sync         one run: a module for each phase; sync/run.py has their order on one screen
notify       what has changed since the last mail, and the next mail
config       config.ini and the secret file -> settings
state        the state file: what is remembered between runs, and the lock
globus       every question to Globus, and what its errors mean; the only importer of the SDK
output       reports -> text, JSON, progress, log
model        the values that all of these exchange
errors       the errors that end a run, and the exit statuses
text         text from outside, made safe to print
timed_waits  waits that a signal ends at once
installation checks that this Python can run the tool, before anything else is imported
standin      a local Globus for the demo, rehearsals and tests; it and the tool import nothing of each other

A module imports from its own room and from rooms further down in this list. docs/architecture.md says more.
"""
