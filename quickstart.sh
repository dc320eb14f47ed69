#!/usr/bin/env bash
# The main job on real data, with nothing installed but the .NET SDK: a genuine Pachyderm 1.4.8 cluster (an etcd snapshot and its object
# store, written by the real servers) is checked, backed up, carried to 1.5.0, verified, undone, and carried again.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

work=${1:-artifacts/quickstart}
cluster=test/Fixtures/pachyderm-1.4.8-small
source=$work/etcd.snap
output=$work/etcd-1.5.0.snap
storage=$work/storage
backups=$work/backups

say() { printf '\n\033[1m%s\033[0m\n' "$1"; }
run() {
  printf '$ %s\n' "$*"
  "$@"
}
# One digest of all files and links of the storage root, names included.
storage_digest() { (cd "$storage" && find . \( -type f -o -type l \) -printf '%p %l\n' | LC_ALL=C sort; find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) | sha256sum | cut -d' ' -f1; }

[[ $work != artifacts/quickstart ]] || rm -rf -- "$work"
mkdir -p "$work" && [[ -z $(ls -A -- "$work") ]] || { echo "quickstart.sh: $work is not empty; name another directory" >&2; exit 1; }
mkdir -p "$storage"
cp "$cluster/etcd.snap" "$source"
tar -xzf "$cluster/object-store.tar.gz" -C "$storage"

say "1. Check: what is there, what is in the way, what would change. Nothing is written."
run ./pachctl migrate --check --from 1.4.8 --to 1.5.0 --snapshot "$source" --out "$output" --storage "$storage" --backup "$backups"

say "2. Back up both stores, and read every byte of the backup."
run ./pachctl backup create --snapshot "$source" --storage "$storage" --backup "$backups" --name before-upgrade
run ./pachctl backup verify before-upgrade --read-data --backup "$backups"
run ./pachctl backup list --backup "$backups"

say "3. Migrate. The source is only read; the outcome is a new snapshot."
snapshot_before=$(sha256sum <"$source")
storage_before=$(storage_digest)
run ./pachctl migrate --from 1.4.8 --to 1.5.0 --snapshot "$source" --out "$output" --storage "$storage" --backup "$backups" --report "$work/report.json"

say "4. Verify again, record by record, against the source and against the report."
run ./pachctl migrate verify --snapshot "$source" --out "$output" --backup "$backups" --report "$work/report.json"

say "5. Undo: everything is as it was, to the byte."
run ./pachctl migrate undo --snapshot "$source" --out "$output" --backup "$backups"
[[ ! -e $output ]] || { echo "the output is still there" >&2; exit 1; }
[[ $(sha256sum <"$source") == "$snapshot_before" ]] || { echo "the source has changed" >&2; exit 1; }
[[ $(storage_digest) == "$storage_before" ]] || { echo "the object store has changed" >&2; exit 1; }
echo "the snapshot is $snapshot_before"
echo "the storage root is $storage_before, both as before"
run ./pachctl backup restore before-upgrade --snapshot "$work/restored.snap" --backup "$backups"
cmp "$source" "$work/restored.snap" && echo "the backup restores the same bytes"

say "6. Migrate once more, and keep it."
run ./pachctl migrate --from 1.4.8 --to 1.5.0 --snapshot "$source" --out "$output" --storage "$storage" --backup "$backups"
run ./pachctl migrate finalize --snapshot "$source" --out "$output" --backup "$backups"

say "Done: $output"
echo "\`etcdctl snapshot restore $output\` makes an etcd of it for a 1.5.0 server; the object store is $storage."
