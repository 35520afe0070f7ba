"""
One run: a module for each phase.

run          the order of the phases: read this first
scope        the pairs that a run is about
recover      resolves submissions whose answer no run has seen            asks Globus
snapshot     what Globus knows of our tasks                               asks Globus
records      records + snapshot, later + details -> updated records       pure
preflight    looks at both ends of the pairs that are to start            asks Globus
plan         what to submit, what waits, what is blocked and why          pure
submit       reserve, submit, record                                      asks Globus
details      logs, skipped paths and pauses of tasks that need a reason   asks Globus
outcome      what happened to a pair that the run was to start
success      which tasks are successes: skipped paths, empty sources      pure
task_status  task + log -> status                                         pure
people       pauses and cancels -> reasons, with what people wrote        pure
task_report  task + details -> report on one task                         pure
assess       records + snapshot + outcomes + details -> reports           pure
"""
