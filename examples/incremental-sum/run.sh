#!/usr/bin/env bash
# A running total: each job reads only what is new, and begins with what the last one wrote.
cd -- "$(dirname -- "${BASH_SOURCE[0]}")" || exit 1
source ../common.sh
clean_up_at_the_end "sum" "numbers"
start_pachd

say "Numbers go into a repo, a file for each day; the pipeline adds them up."
run pachctl create-repo numbers
run pachctl create-pipeline -f sum.json
day=0
for numbers in "1 2 3" "10 20" "100"; do
  day=$((day + 1))
  printf '%s\n' $numbers >"$work/day$day"
  run pachctl put-file numbers master "/day$day" -c -f "$work/day$day"
  run pachctl flush-commit numbers/master
  run pachctl get-file sum master /total
done

say "What each job read:"
run pachctl get-logs --pipeline sum
