"""
One run, a phase a file.

run          the order of the phases: read this first
recover      submissions whose answer was never seen                      asks Globus
snapshot     what Globus knows of our tasks                               asks Globus
records      records + snapshot -> records                                pure
preflight    looks at both ends of the pairs that are to start            asks Globus
plan         what to submit, what waits, what is blocked and why          pure
submit       reserve, submit, record                                      asks Globus
details      logs, skipped paths and pauses of tasks that need a reason   asks Globus
task_status  task + log -> status                                         pure
assess       records + snapshot + outcomes + details -> reports           pure
"""
