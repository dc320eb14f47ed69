#!/usr/bin/env bash
# Versions files with this checkout's pachd and pachctl, with restic, borg and git-lfs, and beside cp and sha256sum as limits, all in one run.
# Prints a Markdown table. The peers come from Debian: apt-get install restic borgbackup git git-lfs
set -euo pipefail
export LC_ALL=C
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
checkout=$PWD

usage() {
  cat <<'TEXT'
usage: bench/peers.sh [--size MIB] [--files N] [--work DIR] [--runs N] [--only NAME[,NAME...]]

  --size MIB   size of the large file (2048)
  --files N    number of files of 4 KiB (100000)
  --work DIR   where the data goes; four times both, free (the directory for temporary files)
  --runs N     how often everything runs; medians are printed (3)
  --only ...   some of pachyderm, restic, borg, git-lfs
TEXT
}

size=2048 files=100000 runs=3 parent=${TMPDIR:-/tmp} tools=pachyderm,restic,borg,git-lfs
while (($#)); do
  case $1 in
    --size) size=$2; shift ;;
    --files) files=$2; shift ;;
    --work) parent=$2; shift ;;
    --runs) runs=$2; shift ;;
    --only) tools=$2; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 3 ;;
  esac
  shift
done

work=$(mktemp -d "$parent/pachyderm-peers-XXXXXX")
pachd=
cleanup() {
  [[ -z $pachd ]] || kill "$pachd" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf -- "$work"
}
trap cleanup EXIT

# Bytes that do not compress, the same in every run.
random() { head -c "$2" /dev/zero | openssl enc -aes-128-ctr -nosalt -pass "pass:$1" -pbkdf2; }

echo "making the data in $work ..." >&2
mkdir "$work/small"
random large $((size << 20)) >"$work/v1.bin"
# The second version: the first hundredth of the file, in ten pieces, goes to ten places farther back.
piece=$(((size << 20) / 1000))
stride=$(((size << 20) / 11))
for ((place = 0; place < 10; place++)); do
  tail -c +$((10 * piece + place * stride + 1)) "$work/v1.bin" | head -c "$stride" || true
  tail -c +$((place * piece + 1)) "$work/v1.bin" | head -c "$piece" || true
done >"$work/v2.bin"
tail -c +$((10 * piece + 10 * stride + 1)) "$work/v1.bin" >>"$work/v2.bin"
(($(stat -c %s "$work/v1.bin") == $(stat -c %s "$work/v2.bin")))
random small $((files * 4096)) | (cd "$work/small" && for d in $(seq 0 $(((files - 1) / 1000))); do mkdir "d$d"; done
  split -b 4096 -a 6 -d --filter='n=$((10#${FILE#x})); cat >d$((n / 1000))/$FILE' - x)
sync

declare -A times stored
now() { date +%s.%N; }
# timed KEY COMMAND...: runs it and appends its seconds to the key's list.
timed() {
  local key=$1 begin end
  shift
  sync
  begin=$(now)
  "$@" >"$work/log" 2>&1 || { echo "peers.sh: $key failed: $*" >&2; cat "$work/log" >&2; exit 1; }
  end=$(now)
  times[$key]+=" $(awk "BEGIN { printf \"%.2f\", $end - $begin }")"
  echo "$key:${times[$key]##* } s" >&2
}
bytes_of() { du -sb --apparent-size "$1" | cut -f1; }
# Every tool finds its input in the cache of the system, whoever read it last.
cached() { find "$@" -type f -exec cat {} + >/dev/null; }
note_stored() { stored[$1]=$(($(bytes_of "$2") - ${3:-0})); }
same() { cmp -s "$1" "$2" || { echo "peers.sh: $2 is not what was put" >&2; exit 1; }; }
same_trees() { diff -rq "$1" "$2" >/dev/null || { echo "peers.sh: $2 is not what was put" >&2; exit 1; }; }
flushed() { "$@" && sync -f "$work"; }
# ext4 avoids the inodes of files that were deleted in the last minutes, which slows the making of new ones down to a tenth: so trees of small
# files are put aside, and deleted at the end.
discard() { mkdir -p "$work/discarded" && mv -- "$1" "$(mktemp -d "$work/discarded/XXXXXX")/"; }

run_limits() {
  cached "$work/v1.bin" "$work/small"
  timed limit/put-large flushed cp "$work/v1.bin" "$work/copy.bin"
  timed limit/sha256 sha256sum "$work/v1.bin"
  timed limit/put-small flushed cp -r "$work/small" "$work/copy"
  rm -f "$work/copy.bin"
  discard "$work/copy"
}

run_pachyderm() {
  local data=$work/pachd out=$work/out before address=127.0.0.1:30750
  "$checkout/pachd" --data "$data" --grpc-address "$address" --http-address 127.0.0.1:30752 2>"$work/pachd.log" &
  pachd=$!
  export ADDRESS=$address HOME=$work
  until "$checkout/pachctl" list-repo >/dev/null 2>&1; do kill -0 "$pachd"; done
  "$checkout/pachctl" create-repo large
  "$checkout/pachctl" create-repo small
  cached "$work/v1.bin" "$work/v2.bin" "$work/small"
  timed pachyderm/put-large "$checkout/pachctl" put-file large master /file -c -f "$work/v1.bin"
  note_stored pachyderm/put-large "$data"
  timed pachyderm/get-large flushed "$checkout/pachctl" get-file large master /file -o "$out"
  same "$work/v1.bin" "$out"
  before=$(bytes_of "$data")
  timed pachyderm/put-second "$checkout/pachctl" put-file large master /file -c -o -f "$work/v2.bin"
  note_stored pachyderm/put-second "$data" "$before"
  "$checkout/pachctl" get-file large master /file -o "$out"
  same "$work/v2.bin" "$out"
  rm -f "$out"
  before=$(bytes_of "$data")
  timed pachyderm/put-small "$checkout/pachctl" put-file small master / -c -r -f "$work/small"
  note_stored pachyderm/put-small "$data" "$before"
  timed pachyderm/get-small flushed "$checkout/pachctl" get-file small master / -r -o "$out"
  same_trees "$work/small" "$out"
  echo "pachyderm: peak memory $(awk '/VmHWM/ { print $2 / 1024 }' "/proc/$pachd/status") MiB" >&2
  kill "$pachd"
  wait "$pachd" || true
  pachd=
  rm -rf "$data"
  discard "$out"
}

run_restic() {
  local repo=$work/restic out=$work/out before
  export RESTIC_PASSWORD=bench RESTIC_REPOSITORY=$repo
  restic --no-cache init >/dev/null
  mkdir "$work/in" && ln "$work/v1.bin" "$work/in/file"
  cached "$work/v1.bin" "$work/v2.bin" "$work/small"
  timed restic/put-large restic --no-cache backup "$work/in"
  note_stored restic/put-large "$repo"
  timed restic/get-large flushed restic --no-cache restore latest --target "$out"
  same "$work/v1.bin" "$out$work/in/file"
  rm -rf "$out" "$work/in/file" && ln "$work/v2.bin" "$work/in/file"
  before=$(bytes_of "$repo")
  timed restic/put-second restic --no-cache backup "$work/in"
  note_stored restic/put-second "$repo" "$before"
  before=$(bytes_of "$repo")
  timed restic/put-small restic --no-cache backup "$work/small"
  note_stored restic/put-small "$repo" "$before"
  timed restic/get-small flushed restic --no-cache restore latest --target "$out"
  same_trees "$work/small" "$out$work/small"
  rm -rf "$repo" "$work/in"
  discard "$out"
}

run_borg() {
  local repo=$work/borg out=$work/out before
  export BORG_BASE_DIR=$work/borg-base BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
  borg init -e none "$repo" 2>/dev/null
  mkdir "$work/in" && ln "$work/v1.bin" "$work/in/file"
  cached "$work/v1.bin" "$work/v2.bin" "$work/small"
  timed borg/put-large borg create "$repo::large1" "$work/in"
  note_stored borg/put-large "$repo"
  mkdir "$out" && cd "$out"
  timed borg/get-large flushed borg extract "$repo::large1"
  cd "$checkout"
  same "$work/v1.bin" "$out$work/in/file"
  rm -rf "$out" "$work/in/file" && ln "$work/v2.bin" "$work/in/file"
  before=$(bytes_of "$repo")
  timed borg/put-second borg create "$repo::large2" "$work/in"
  note_stored borg/put-second "$repo" "$before"
  before=$(bytes_of "$repo")
  timed borg/put-small borg create "$repo::small" "$work/small"
  note_stored borg/put-small "$repo" "$before"
  mkdir "$out" && cd "$out"
  timed borg/get-small flushed borg extract "$repo::small"
  cd "$checkout"
  same_trees "$work/small" "$out$work/small"
  rm -rf "$repo" "$work/in" "$BORG_BASE_DIR"
  discard "$out"
}

lfs_commit() { git add -A && git commit -qm version && sync -f "$work"; }
lfs_checkout() { git checkout -q HEAD -- . && sync -f "$work"; }
run_git-lfs() {
  local repo=$work/lfs before
  export HOME=$work GIT_CONFIG_NOSYSTEM=1
  git config --global user.email bench@localhost && git config --global user.name bench
  git init -q "$repo" && cd "$repo" && git lfs install --local >/dev/null && git lfs track '*.bin' 'x*' >/dev/null
  cp "$work/v1.bin" file.bin
  cached "$work/v1.bin" "$work/v2.bin" "$work/small"
  timed git-lfs/put-large lfs_commit
  note_stored git-lfs/put-large .git
  rm file.bin
  timed git-lfs/get-large lfs_checkout
  same "$work/v1.bin" file.bin
  cp "$work/v2.bin" file.bin
  before=$(bytes_of .git)
  timed git-lfs/put-second lfs_commit
  note_stored git-lfs/put-second .git "$before"
  cp -r "$work/small" small
  before=$(bytes_of .git)
  timed git-lfs/put-small lfs_commit
  note_stored git-lfs/put-small .git "$before"
  discard small
  timed git-lfs/get-small lfs_checkout
  same_trees "$work/small" small
  cd "$checkout"
  discard "$repo"
  rm -f "$work/.gitconfig"
}

"$checkout/pachctl" version --client-only >/dev/null
for ((run = 1; run <= runs; run++)); do
  echo "run $run of $runs" >&2
  (($(df --output=avail -k "$work" | tail -1) > size * 4096)) || { echo "peers.sh: $work: not enough room" >&2; exit 1; }
  run_limits
  for tool in ${tools//,/ }; do
    "run_$tool"
  done
done

median() { tr ' ' '\n' <<<"$1" | grep . | sort -n | awk '{ v[NR] = $1 } END { printf "%.1f", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }
mebibytes() { awk "BEGIN { printf \"%.0f\", $1 / 1048576 }"; }
cell() { [[ -n ${times[$1]:-} ]] && median "${times[$1]}" || echo -; }
kept() { [[ -n ${stored[$1]:-} ]] && mebibytes "${stored[$1]}" || echo -; }
echo "| $size MiB in one file, $files files of 4 KiB; seconds, medians of $runs | put large | get large | put second version | put small | get small | MiB stored: large | second version | small |"
echo "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
for tool in ${tools//,/ }; do
  echo "| $tool | $(cell $tool/put-large) | $(cell $tool/get-large) | $(cell $tool/put-second) | $(cell $tool/put-small) | $(cell $tool/get-small) | $(kept $tool/put-large) | $(kept $tool/put-second) | $(kept $tool/put-small) |"
done
echo "| cp and flush | $(cell limit/put-large) | | | $(cell limit/put-small) | | | | |"
echo "| sha256sum | $(cell limit/sha256) | | | | | | | |"
