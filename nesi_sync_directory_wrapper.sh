#!/bin/bash
#
# Runs globus_sync_directory from cron or Slurm's scrontab, with config.ini and venv taken from this
# script's folder:
#
#     nesi_sync_directory_wrapper.sh [ARGS]
#
# ARGS reach the tool untouched. Call the script by its path or a symbolic link; do not hand it to sbatch,
# which runs a copy in another folder.
#
# Environment
#   GLOBUS_SYNC_DIRECTORY_PYTHON_MODULE   module to load where there is a module system; empty: load none
#
# Output goes to stdout and stderr as the tool wrote it, so that Slurm's slurm-<jobid>.out, cron's mail and
# pipes keep working, and a copy of both, line by line, to globus_sync_directory.log beside this script. The
# tool therefore writes to pipes, never to a terminal: no colour and no progress bar. For those, run the tool
# itself. Where the log cannot be written, the run goes on without it.
#
# Exit status: the tool's own (0, 1, 2, 3, 4, 70, 75, 130; see the README), or where the tool was not reached:
#   69        the Python module cannot be loaded
#   70        a bug in this script
#   71        this script's own folder cannot be found or entered
#   72        there is no usable Python
#   128 + n   signal n ended the tool, or came before it was started

set -euo pipefail

readonly name=nesi_sync_directory_wrapper.sh

# The oldest Python module of the site that the tool is tested with. Named in full, because a venv works only
# with the Python that made it, and the site's default moves on.
readonly default_module=Python/3.11.6-foss-2023a

readonly log_limit_bytes=$((4 * 1024 * 1024))
readonly log_kept_bytes=$((3 * 1024 * 1024))

log=globus_sync_directory.log
log_fd=       # open for appending, or empty: no log
python=       # the interpreter's path
tool_pid=     # empty: not running
caught=       # the last signal that came
expected_end= # empty: leaving now is a bug

main() {
    enter_own_folder
    cut_log
    open_log "$@"
    load_python_module
    find_python
    run_tool "$@"
}

enter_own_folder() {
    local self
    self=$(readlink -f -- "${BASH_SOURCE[0]:-}") || self=
    [[ -f $self ]] || fail 71 "cannot tell its own folder; call it by its path"
    cd -- "${self%/*}/" 2>/dev/null || fail 71 "cannot enter its own folder ${self%/*}"
    log=$(readlink -f -- "$log") || log=$PWD/$log
}

# Drops the oldest lines of a log that has grown too long. Every run holds a shared lock on the log while it
# writes, so that under the exclusive lock nobody else's line can be lost; a log in use is cut by a later run.
# Where there are no file locks (status other than 1) it is cut all the same: it must not grow for ever.
cut_log() {
    local fd size locked=0
    [[ -f $log ]] || return 0
    size=$(stat -c %s -- "$log") || return 0
    ((size > log_limit_bytes)) || return 0
    { exec {fd}>>"$log"; } 2>/dev/null || return 0
    flock --exclusive --nonblock "$fd" 2>/dev/null || locked=$?
    if ((locked != 1)) && [[ /dev/fd/$fd -ef $log ]]; then
        { cp --attributes-only --preserve=mode -- "$log" "$log.new" &&
            tail -c "$log_kept_bytes" -- "$log" | tail -n +2 >"$log.new" &&
            mv -f -- "$log.new" "$log"; } 2>/dev/null || rm -f -- "$log.new"
    fi
    exec {fd}>&-
}

open_log() {
    local fd header attempt
    printf -v header '\n==== %(%Y-%m-%dT%H:%M:%S%z %Z)T %s[%d]%s:' \
        -1 "${HOSTNAME:-}" "$$" "${SLURM_JOB_ID:+ Slurm job $SLURM_JOB_ID}"
    printf -v header '%s %q' "$header" "$name"
    (($# == 0)) || printf -v header '%s%s' "$header" "$(printf ' %q' "$@")"

    for attempt in {1..5}; do
        { exec {fd}>>"$log"; } 2>/dev/null || break
        flock --shared --timeout 5 "$fd" 2>/dev/null || :
        # Another run may have cut the log between the opening and the lock: then this is the old file.
        if ((attempt == 5)) || [[ /dev/fd/$fd -ef $log ]]; then
            printf '%s\n' "$header" 2>/dev/null 1>&"$fd" || break
            log_fd=$fd
            return
        fi
        exec {fd}>&-
    done
    say "cannot write $log; going on without a log"
}

# The site's own code may use unset variables and commands that fail: "set -eu" is off around it.
load_python_module() {
    local wanted=${GLOBUS_SYNC_DIRECTORY_PYTHON_MODULE-$default_module} start_up loaded=0
    [[ -n $wanted ]] || return 0
    set +eu
    if ! declare -F module >/dev/null; then
        for start_up in "${LMOD_PKG:+$LMOD_PKG/init/bash}" "${MODULESHOME:+$MODULESHOME/init/bash}" \
            /etc/profile.d/{lmod,modules,z00_lmod}.sh; do
            if [[ -r $start_up ]]; then
                # shellcheck disable=SC1090  # the site's file, not ours
                source "$start_up" 1>&"${log_fd:-2}" 2>&1
                break
            fi
        done
    fi
    if declare -F module >/dev/null; then
        module load "$wanted" 1>&"${log_fd:-2}" 2>&1
        loaded=$?
    fi
    set -eu
    ((loaded == 0)) || fail 69 "cannot load the module $wanted; find one with 'module spider Python'," \
        "name it in GLOBUS_SYNC_DIRECTORY_PYTHON_MODULE, and make the venv anew with it"
}

find_python() {
    if [[ -e venv || -L venv ]]; then
        python=$PWD/venv/bin/python
        [[ -f $python && -x $python ]] || fail 72 "$python is missing or leads nowhere; make the venv anew"
    else
        python=$(type -P python3) || fail 72 "there is no venv in $PWD and no python3 on PATH"
        "$python" -c 'import click, dateutil, globus_sdk' 2>/dev/null ||
            fail 72 "there is no venv in $PWD, and $python lacks what the tool needs; make a venv there, see the README"
    fi
}

# The tool has a process group of its own (set -m): Ctrl-C then reaches it once, through this script, and is
# not ignored as it is in an ordinary background process.
run_tool() {
    local status signalled out err out_recorder err_recorder
    # The site's advice: packages under ~/.local are not to mix with the venv's.
    export PYTHONNOUSERSITE=1
    # Lines arrive when they are written, and none is lost if the tool is killed.
    export PYTHONUNBUFFERED=1
    local -a command=("$python" -m globus_sync_directory "$@")

    [[ -z $caught ]] || fail "$((128 + $(kill -l "$caught")))" "SIG$caught came before the tool was started"
    if [[ -n $log_fd ]]; then
        exec {out}> >(record)
        out_recorder=$!
        exec {err}> >(exec {out}>&-; record >&2)
        err_recorder=$!
        set -m
        "${command[@]}" 1>&"$out" 2>&"$err" {out}>&- {err}>&- {log_fd}>&- &
        tool_pid=$!
        exec {out}>&- {err}>&-
    else
        set -m
        "${command[@]}" &
        tool_pid=$!
    fi
    [[ -z $caught ]] || forward "$caught"

    # A signal interrupts "wait" with a status that is not the tool's.
    signalled=yes
    while [[ -n $signalled ]]; do
        caught='' status=0
        wait "$tool_pid" 2>/dev/null || status=$? # bash would add a line of its own about a killed tool
        signalled=$caught
    done
    tool_pid=
    [[ -z $log_fd ]] || wait "$out_recorder" "$err_recorder" || :

    if ((status > 128 && status <= 192 && status != 130)); then
        say "the tool was ended by signal $((status - 128))"
    fi
    [[ -z $log_fd ]] || printf -- '---- %(%Y-%m-%dT%H:%M:%S%z)T [%d]: exit status %d\n' \
        -1 "$$" "$status" 2>/dev/null 1>&"$log_fd" || :
    expected_end=yes
    exit "$status"
}

# Copies stdin to stdout and to the log, a whole line at a time: runs at the same time cannot cut into each
# other's lines. It goes on when either cannot be written any more, and until the tool has said its last word.
record() {
    local line newline=$'\n' lost=
    trap '' INT TERM HUP
    while IFS= read -r line || { newline=; [[ -n $line ]]; }; do
        printf '%s%s' "$line" "$newline" 2>/dev/null || :
        printf '%s\n' "$line" 2>/dev/null 1>&"$log_fd" || lost=yes
    done
    [[ -z $lost ]] || printf '%s: some lines could not be written to %s\n' "$name" "$log" >&2
}

forward() {
    caught=$1
    [[ -z $tool_pid ]] || kill -s "$1" "$tool_pid" 2>/dev/null || :
}

# One line on stderr and in the log.
say() {
    local line="$name: $*"
    printf '%s\n' "$line" 2>/dev/null 1>&"$stderr_fd" || :
    [[ -z $log_fd ]] || printf '%s\n' "$line" 2>/dev/null 1>&"$log_fd" || :
}

fail() {
    local status=$1
    shift
    say "$*"
    expected_end=yes
    exit "$status"
}

# shellcheck disable=SC2317,SC2329  # called by trap
at_exit() {
    local status=$?
    [[ -n $expected_end ]] && return
    say "stopped without having run the tool (status $status)"
    exit 70
}

# A stream that the caller has closed would hand its number to the next file opened.
[[ -e /dev/fd/0 ]] || exec </dev/null
[[ -e /dev/fd/1 ]] || exec >/dev/null
[[ -e /dev/fd/2 ]] || exec 2>/dev/null
exec {stderr_fd}>&2
export PATH # bash has a default, which an empty environment does not pass on
trap at_exit EXIT
trap 'forward INT' INT
trap 'forward TERM' TERM
trap 'forward HUP' HUP
# A closed pipe or a file size limit is then a failed write, which is dealt with where it happens.
trap '' PIPE XFSZ
main "$@"
