# Sourced by the run.sh of each example: a pachd to talk to, and what becomes of it.
#
#   ADDRESS         the pachd to use; without it a new one is started over a temporary directory, and ended with the example
#   PACHD, PACHCTL  the programs; those of this checkout by default

set -euo pipefail
examples=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
PACHD=${PACHD:-$examples/../pachd}
PACHCTL=${PACHCTL:-$examples/../pachctl}
work=$(mktemp -d)
own_pachd=

say() { printf '\n\033[1m%s\033[0m\n' "$1"; }
pachctl() { "$PACHCTL" "$@"; }
# Says what it does.
run() {
  printf '$ %s\n' "$*"
  "$@"
}
# Stops where a program is missing.
need() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null || { echo "this example needs $program" >&2; exit 1; }
  done
}

# Called with the pipelines, last ones first, and then with the repos that the example makes.
clean_up_at_the_end() {
  pipelines=$1
  repos=$2
  trap finish EXIT
}
finish() {
  local code=$? name
  trap - EXIT
  if [[ -z $own_pachd && -n ${ADDRESS:-} ]]; then
    say "What the example made is deleted."
    for name in $pipelines; do pachctl delete-pipeline "$name" --delete-jobs --delete-repo || true; done
    for name in $repos; do pachctl delete-repo "$name" || true; done
  fi
  declare -F stop_helpers >/dev/null && stop_helpers
  if [[ -n $own_pachd ]]; then
    kill "$own_pachd" 2>/dev/null || true
    wait "$own_pachd" || true
    if ((code != 0)); then
      echo "the last lines of pachd's log:" >&2
      tail -n 20 "$work/pachd.log" >&2
    fi
  fi
  rm -rf -- "$work"
  exit "$code"
}

start_pachd() {
  if [[ -n ${ADDRESS:-} ]]; then
    return
  fi
  "$PACHD" --data "$work/data" --grpc-address 127.0.0.1:0 --http-address none --address-file "$work/address" 2>"$work/pachd.log" &
  own_pachd=$!
  until [[ -s $work/address ]]; do
    kill -0 "$own_pachd" 2>/dev/null || { echo "pachd did not start" >&2; exit 1; }
    sleep 0.1
  done
  ADDRESS=$(<"$work/address")
  export ADDRESS
}
