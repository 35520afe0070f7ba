"""A run, ``-d`` and ``-n``: open what they need, run, record and mail what has changed; with ``-w``, wait."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime

from globus_sync_directory.commands.inputs import choose_pairs, state_store, warn_of_interception
from globus_sync_directory.commands.options import Options
from globus_sync_directory.commands.wait import wait_for_tasks
from globus_sync_directory.config.load import load_settings
from globus_sync_directory.config.settings import Settings
from globus_sync_directory.errors import Interrupted, LockHeld, StateError, worst
from globus_sync_directory.globus.client import host_now
from globus_sync_directory.globus.sign_in import sign_in
from globus_sync_directory.model.answer import Received
from globus_sync_directory.model.report import PairReport, RunReport
from globus_sync_directory.notify.changes import record_changes
from globus_sync_directory.notify.mail import send_pending
from globus_sync_directory.state import StateStore
from globus_sync_directory.sync.records import with_ends_reported
from globus_sync_directory.sync.run import Mode, report_without_globus, run
from globus_sync_directory.sync.scope import Scope
