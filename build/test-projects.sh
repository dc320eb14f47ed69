# Sourced by test.sh: running test projects and counting. Uses the variables passed and failed of the caller.

# A project outside the solution would neither be built nor checked.
check_solution_is_complete() {
  local project complete=0
  while IFS= read -r project; do
    grep -qF "\"${project#./}\"" Pachyderm.slnx || { echo "$project is not in Pachyderm.slnx" >&2; complete=1; }
  done < <(find src test migration -name '*.csproj' -not -path '*/bin/*' -not -path '*/obj/*' | sort)
  return "$complete"
}

# The number in the first attribute of that name, which is the one of the assembly.
report_count() {
  grep -o "<assembly .*" "$2" | grep -o " $1=\"[0-9]*\"" | head -n 1 | tr -dc '0-9'
}

# Runs one test project; $2 is a filter or nothing. A project that gives no report, such as one that crashed, counts as one failure.
run_test_project() {
  local name=${1##*/} results=$PWD/artifacts/test-results report arguments=() code succeeded ran
  name=${name%.csproj}
  report=$results/$name.xml
  rm -f -- "$report"
  arguments=(--progress off --output Minimal --results-directory "$results" --report-xunit-xml --report-xunit-xml-filename "$name.xml")
  [[ -n $2 ]] && arguments+=(--filter "$2")
  echo "== $name"
  dotnet exec "${1%/*}/bin/Debug/net10.0/$name.dll" "${arguments[@]}" </dev/null
  code=$?

  succeeded=0
  ran=0
  if [[ -s $report ]]; then
    succeeded=$(report_count passed "$report")
    ran=$(report_count total "$report")
  fi
  succeeded=${succeeded:-0}
  ran=${ran:-0}
  # Exit code 8: no test ran, which is right only when a filter chose none of this project.
  if [[ $code == 8 && -n $2 ]]; then
    code=0
  fi
  passed=$((passed + succeeded))
  failed=$((failed + ran - succeeded))
  # An error outside any test (a fixture that cannot be disposed of, a crash) shows only in the exit code.
  if ((code != 0 && ran == succeeded)); then
    echo "$name ended with exit code $code" >&2
    failed=$((failed + 1))
  fi
}

# The README's first command, as a user runs it; its output is shown only if it fails.
run_quickstart() {
  local work
  work=$(mktemp -d) || return 1
  if ./quickstart.sh "$work/run" >"$work/log" 2>&1; then
    rm -rf -- "$work"
    return 0
  fi
  tail -n 60 "$work/log" >&2
  rm -rf -- "$work"
  return 1
}
