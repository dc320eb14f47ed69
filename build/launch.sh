# Sourced by ./pachctl and ./pachd: runs a program of this checkout, building it first when a source file is newer than the last build.
#
# Each build gets a directory of its own below artifacts/PROGRAM, and a running program holds a shared lock on its directory, so that
# a build never pulls the files from under one that is still running.
# Exit code 125: the program could not be built or found. Any other exit code is the program's own.

# $1: the program, which is also the name of its project; $2: the root of the checkout; then the program's arguments.
launch() {
  local program=$1 root=$2
  local builds=$root/artifacts/$program
  local stamp=$builds/stamp # holds the name of the current build; its time is the moment before that build read its sources
  shift 2

  if launch_is_stale; then
    mkdir -p "$builds"
    exec 8>"$builds/lock"
    flock 8
    # Another one may have built while this one waited.
    launch_is_stale && launch_build
    exec 8>&-
  fi

  # A build that ends between reading the stamp and taking the lock may remove the directory: then the stamp names a newer one.
  local name
  for _ in 1 2 3; do
    read -r name <"$stamp"
    { exec 9<"$builds/$name"; } 2>/dev/null && flock --shared 9 && [[ -x $builds/$name/$program ]] && exec "$builds/$name/$program" "$@"
  done
  echo "$program: $builds/$name is incomplete; remove $builds and run again" >&2
  exit 125
}

launch_is_stale() {
  [[ -s $stamp ]] || return 0
  local newer
  # Directories count too, because removing a file changes nothing but its directory.
  newer=$(find "$root/src" "$root/migration" "$root/global.json" "$root"/Directory.*.props \
    \( -name bin -o -name obj \) -prune -o \
    \( -type d -o -name '*.cs' -o -name '*.csproj' -o -name '*.proto' -o -name 'Directory.*.props' -o -name global.json \) \
    -newer "$stamp" -print -quit 2>/dev/null)
  [[ -n $newer ]]
}

launch_remove_unused() {
  local directory
  for directory in "$builds"/build-*/; do
    [[ $directory == "$builds/$1/" ]] && continue
    # Whoever still runs from it holds a shared lock, and then it stays for the next build to remove.
    flock --nonblock --exclusive "$directory" rm -rf -- "$directory" 2>/dev/null
  done
}

launch_build() {
  local name log
  command -v dotnet >/dev/null || { echo "$program: dotnet was not found; install the .NET SDK named in $root/global.json" >&2; exit 125; }
  name=build-$(date +%s)-$$
  log=$builds/build.log
  echo "building $program ..." >&2
  touch "$builds/started"
  # Own intermediate files, so that neither a plain build nor a test run at the same time gets in the way. Build servers outlive
  # the build, so they must not inherit the lock (descriptor 8).
  if ! DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 dotnet publish "$root/src/$program/$program.csproj" --configuration Release \
    --use-current-runtime --self-contained --artifacts-path "$builds/intermediate" --output "$builds/$name" \
    --verbosity quiet -p:FastStart=true -p:RunAnalyzers=false </dev/null >"$log" 2>&1 8>&-; then
    cat "$log" >&2
    echo "$program: the build failed; the errors are above" >&2
    rm -rf -- "${builds:?}/$name"
    exit 125
  fi
  echo "$name" >"$stamp.new"
  touch -r "$builds/started" "$stamp.new"
  mv -f "$stamp.new" "$stamp"
  launch_remove_unused "$name"
}
