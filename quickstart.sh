#!/usr/bin/env bash
# The main jobs on real data, with nothing installed but the .NET SDK. A genuine Pachyderm 1.4.8 cluster (an etcd snapshot and its object
# store, written by the real servers) is checked, backed up, carried to 1.5.0, verified, undone, and carried again. Then an embedded pachd
# versions a directory: two commits, their difference, and what was read back by branch and by commit; and two pipelines run on it. At last
# the old cluster becomes the data directory of a pachd in one command, which serves its history and recomputes nothing.
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

echo "\`etcdctl snapshot restore $output\` makes an etcd of it for a 1.5.0 server; the object store is $storage."

say "7. Version control for data: start an embedded pachd, and put a directory tree into a repo."
# Port 0: any that is free. pachd says which it took.
serve() {
  ./pachd --data "$1" --grpc-address 127.0.0.1:0 --http-address 127.0.0.1:0 --address-file "$1.address" &
  pachd=$!
  until [[ -s $1.address ]]; do
    kill -0 "$pachd" || { echo "pachd did not start" >&2; exit 1; }
    sleep 0.1
  done
  ADDRESS=$(<"$1.address")
  export ADDRESS
}
trap 'kill "$pachd" 2>/dev/null || true; wait "$pachd" || true' EXIT
serve "$work/pachd"
tree=$work/tree
mkdir -p "$tree/migration"
cp -r doc "$tree"
cp -r migration/1.* "$tree/migration"
run ./pachctl create-repo docs -d "documentation of this project"
run ./pachctl put-file docs master / -c -r -f "$tree"
run ./pachctl list-file docs master /migration
first=$(./pachctl list-branch docs --raw | sed -n 's/.*"id": "\(.*\)".*/\1/p')
echo "the head of master is commit $first"

say "8. Change one file and remove another, in one commit. It costs what changed, not the size of the repo."
run ./pachctl start-commit docs master
echo "One more line." >>"$tree/doc/backup.md"
run ./pachctl put-file docs master /doc/backup.md -o -f "$tree/doc/backup.md"
run ./pachctl delete-file docs master /migration/1.2.2-1.2.3/README.md
run ./pachctl finish-commit docs master
run ./pachctl list-commit docs
run ./pachctl diff-file docs master /

say "9. Read it back, by branch and by commit."
run ./pachctl get-file docs master /doc/backup.md -o "$work/now.md"
run ./pachctl get-file docs "$first" /doc/backup.md -o "$work/before.md"
cmp "$work/now.md" "$tree/doc/backup.md" && echo "by branch: the changed file"
cmp "$work/before.md" doc/backup.md && echo "by commit: the file as it was"
run ./pachctl get-file docs "$first" / -r -o "$work/first"
diff -r "$work/first/migration" "$tree/migration" && echo "the first commit still has every file"
run ./pachctl fsck --read-data

say "10. Pipelines: count the words of each document, and add the counts up. They run whenever their input changes."
cat >"$work/pipelines.json" <<'JSON'
{
  "pipeline": { "name": "words" },
  "transform": {
    "cmd": ["sh"],
    "stdin": [
      "for file in $PACH_PFS/docs/doc/*; do",
      "  wc -w <$file >$PACH_PFS/out/$(basename $file)",
      "  echo counted $(basename $file)",
      "done"
    ]
  },
  "input": { "atom": { "repo": "docs", "glob": "/doc/*" } }
}
{
  "pipeline": { "name": "total" },
  "transform": { "cmd": ["sh", "-c", "cat $PACH_PFS/words/* | awk '{ sum += $1 } END { print sum }' >$PACH_PFS/out/words"] },
  "input": { "atom": { "repo": "words", "glob": "/" } }
}
JSON
run ./pachctl create-pipeline -f "$work/pipelines.json"
run ./pachctl flush-commit docs/master
run ./pachctl list-pipeline
run ./pachctl list-job
job=$(./pachctl list-job -p words | awk 'NR == 2 { print $1 }')
run ./pachctl get-logs --job "$job"
run ./pachctl get-file total master /words

say "11. Change one document: one datum of the first pipeline runs again, and its result is added to what is known."
echo "Three more words." >>"$tree/doc/trees.md"
run ./pachctl put-file docs master /doc/trees.md -o -c -f "$tree/doc/trees.md"
run ./pachctl flush-commit docs/master
job=$(./pachctl list-job -p words | awk 'NR == 2 { print $1 }')
run ./pachctl explain-job "$job"
./pachctl inspect-job "$job" -b | grep -x "Processed: 1"
run ./pachctl get-file total master /words
(($(./pachctl get-file total master /words) == $(cat "$tree"/doc/* | wc -w))) && echo "as counted at once"

say "12. Where does the total come from, and what was made of a document?"
run ./pachctl lineage total master /words
run ./pachctl lineage docs master /doc/trees.md --downstream

say "13. From 1.4.8 to 3.0 in one command. The old stores are only read, and old content is used where it is."
kill "$pachd" && wait "$pachd"
run ./pachctl migrate --from 1.4.8 --to 3.0.0 --snapshot "$source" --storage "$storage/pach" --data "$work/imported" --verify full
[[ $(sha256sum <"$source") == "$snapshot_before" ]] || { echo "the source has changed" >&2; exit 1; }
serve "$work/imported"
run ./pachctl list-repo
run ./pachctl list-commit images
oldest=$(./pachctl list-commit images | awk '$1 == "images" && $3 == "<none>" { print $2 }' | tail -n 1)
run ./pachctl list-file images "$oldest"
run ./pachctl get-file images "$oldest" /a.txt

say "14. An old pipeline runs on a new commit, and recomputes nothing: 0 datums processed, all of them skipped."
run ./pachctl start-commit images master
run ./pachctl finish-commit images master
run ./pachctl flush-commit images/master -r p-copy -r p-env
run ./pachctl list-job -p p-copy
./pachctl list-job -p p-copy | grep -q ' 0 + 1 / 1 ' || { echo "something was recomputed" >&2; exit 1; }

say "Done. The migrated snapshot is $output; the repos are in $work/pachd, the imported cluster in $work/imported."
