#!/bin/bash
#
# Runs globus_sync_directory from cron or Slurm's scrontab, in this script's directory, with the config.ini and
# the venv there:
#
#     nesi_sync_directory_wrapper.sh [ARGS]
#
# ARGS reach the tool unchanged. Call the script by its path or through a symbolic link. Do not give it to sbatch,
# which runs a copy in another directory.
#
# Environment
#   GLOBUS_SYNC_DIRECTORY_PYTHON_MODULE   module to load if the host has a module system; empty: load none
#
# The tool keeps stdin, stdout and stderr of the caller, and writes its log and report also to
# globus_sync_directory.log in this directory (another --log-file in ARGS replaces that).
#
# Exit status: that of the tool, or
#   69        the Python module cannot be loaded
#   71        this script cannot find or enter its own directory
#   72        there is no Python that can run the tool
#   75        this host cannot start another process now
#   128 + n   signal n came before the tool was started, or killed it

set -u

name=nesi_sync_directory_wrapper.sh
log=
# The oldest Python module of the site that the tool is tested with. The full name, because a venv works only with
# the Python that created it, and the site's default changes.
default_module=Python/3.11.6-foss-2023a

# Starts the tool, with the exit status for missing packages: the installed tool, else the one in this directory. This
# directory comes last in the search, and only for the tool itself: no other file here, such as click.py, is a module.
start='
import os, sys
sys.path[:] = [*filter(None, sys.path), os.getcwd()]
try:
    from globus_sync_directory.__main__ import main
except (ImportError, SyntaxError) as error:
    fix = "in the clone, run: venv/bin/python -m pip install -e ."
    print(f"{sys.executable} cannot run globus_sync_directory ({error}); {fix}", file=sys.stderr)
    sys.exit(72)
sys.path.pop()
main(72)'

# One line on stderr and in the log.
fail() {
    local status=$1 line=$name:" ${*:2}"
    line=${line//[[:cntrl:]]/ }
    printf '%s\n' "$line" >&"$stderr"
    [[ ! -f $log ]] || printf '%(%FT%T%z)T %s\n' -1 "$line" 2>/dev/null >>"$log"
    trap - EXIT
    exit "$status"
}

# Where bash cannot start a process, it ends with a status of its own.
end_without_process() {
    (($? != 254)) || exit 75
}

# The site's code may use unset variables: "set -u" is off around it.
load_python_module() {
    local wanted=${GLOBUS_SYNC_DIRECTORY_PYTHON_MODULE-$default_module} file
    [[ $wanted ]] || return 0
    set +u
    for file in {"$LMOD_PKG","$MODULESHOME"}/init/bash /etc/profile.d/{lmod,modules,z00_lmod}.sh; do
        # shellcheck disable=SC1090  # the site's file, not ours
        declare -F module >/dev/null || [[ ! -r $file ]] || source "$file" &>/dev/null
    done
    # Without its output, which cron would mail every day. If it fails, load it again to show the reason.
    ! declare -F module >/dev/null || module load "$wanted" &>/dev/null || module load "$wanted" >&2 ||
        fail 69 "cannot load the module $wanted; find one with 'module spider Python', name it in" \
            "GLOBUS_SYNC_DIRECTORY_PYTHON_MODULE and create the venv again with it," \
            "or set GLOBUS_SYNC_DIRECTORY_PYTHON_MODULE= (empty) to load none"
    set -u
}

# Open a stream that the caller has closed: otherwise the next file that is opened would get its number.
[[ -e /dev/fd/0 ]] || exec </dev/null
[[ -e /dev/fd/1 ]] || exec >/dev/null
[[ -e /dev/fd/2 ]] || exec 2>/dev/null
exec {stderr}>&2

trap end_without_process EXIT
self=$(readlink -f -- "${BASH_SOURCE[0]:-}")
[[ -f $self ]] || fail 71 "cannot find its own directory; call it by its path"
cd -- "${self%/*}/" || fail 71 "cannot enter its own directory ${self%/*}"
log=$PWD/globus_sync_directory.log

trap 'end_without_process; fail 69 "the module system ended this script"' EXIT
load_python_module
trap end_without_process EXIT

python=$PWD/venv/bin/python
[[ -e venv || -L venv ]] || python=$(type -P python3) || fail 72 "there is no venv in $PWD and no python3 on PATH"
# Otherwise a Python that cannot start, or is too old for the lines above, would end with the tool's status 1. 13 ms.
"$python" -S -c 'import sys; sys.exit(sys.version_info < (3, 7))' ||
    fail 72 "$python does not run; create the venv again, see README.md"

export PATH # an empty environment has none, and bash does not export its default
export PYTHONNOUSERSITE=1 # packages below ~/.local must not mix with those of the venv
exec "$python" -c "$start" --log-file "$log" "$@" {stderr}>&-
