#!/usr/bin/env bash
# Builds everything and runs every test of this checkout. The last line is "N passed, N failed".
set -uo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")" || exit 1

usage() {
  cat <<'TEXT'
usage: ./test.sh [--long] [--filter EXPRESSION]

Restores, builds with warnings as errors, checks formatting and analyzers, and runs every test project below test/.
The only thing needed beforehand is the .NET SDK; on Debian what is missing besides is installed with apt.

  --long                run the long suites too (sets PACHYDERM_LONG_TESTS=1)
  --filter EXPRESSION   run only tests whose full name contains EXPRESSION (or any VSTest filter expression)
  --help                show this text

A skipped test counts as failed. Exit code 0: all passed; 1: something failed or no test ran; 2: wrong usage.
TEXT
}

# Whatever a shell starts in the background may have to ignore interrupts, and so would every program here, whose answer to them is tested.
if [[ -z ${PACHYDERM_TEST_SIGNALS-} ]] && env --default-signal=INT true 2>/dev/null; then
  PACHYDERM_TEST_SIGNALS=default exec env --default-signal=INT,QUIT "$BASH" ./test.sh "$@"
fi

filter=
while (($#)); do
  case $1 in
    --long) export PACHYDERM_LONG_TESTS=1 ;;
    --filter) (($# > 1)) || { usage >&2; exit 2; }; filter=$2; shift ;;
    --filter=*) filter=${1#*=} ;;
    -h | --help) usage; exit 0 ;;
    *) echo "test.sh: unknown argument '$1'" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en
export HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}

source build/test-requirements.sh
source build/test-projects.sh

passed=0
failed=0
finish() {
  echo "$passed passed, $failed failed"
  ((failed == 0 && passed > 0))
  exit
}
# A step that is no test but without which the result means nothing.
step() {
  echo "== $1"
  shift
  "$@" </dev/null && return
  echo "test.sh: this step failed: $*" >&2
  failed=$((failed + 1))
  return 1
}

step "requirements" install_test_requirements || finish
step "restore" dotnet restore Pachyderm.slnx --verbosity quiet || finish
step "build" dotnet build Pachyderm.slnx --no-restore --verbosity quiet --nologo -clp:NoSummary || finish
step "formatting and analyzers" dotnet format Pachyderm.slnx --no-restore --verify-no-changes
step "all projects are in the solution" check_solution_is_complete
[[ -n $filter ]] || step "allocation budgets" bench/run.sh budgets
[[ -n $filter ]] || step "quickstart" run_quickstart
for project in test/*/*.Tests.csproj; do
  run_test_project "$project" "$filter"
done
finish
