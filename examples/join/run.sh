#!/usr/bin/env bash
# Joins two repos, with a program that is versioned in a third.
cd -- "$(dirname -- "${BASH_SOURCE[0]}")" || exit 1
source ../common.sh
clean_up_at_the_end "sales" "users purchases join_code"
start_pachd

mkdir "$work/users" "$work/purchases"
printf '%s\n' ada,uk george,uk emmy,germany >"$work/users/europe.csv"
printf '%s\n' grace,usa katherine,usa >"$work/users/america.csv"
printf '%s\n' ada,lamp,40 grace,desk,250 emmy,chair,80 >"$work/purchases/2017-08-17.csv"
printf '%s\n' katherine,lamp,40 ada,desk,250 >"$work/purchases/2017-08-18.csv"

say "Users by region, purchases by day, and the program that joins them: three repos."
for repo in users purchases join_code; do run pachctl create-repo "$repo"; done
run pachctl put-file users master / -c -r -f "$work/users"
run pachctl put-file purchases master / -c -r -f "$work/purchases"
run pachctl put-file join_code master /join.awk -c -f join.awk

say "Each region with each day is a datum: two times two."
run pachctl create-pipeline -f join.json
run pachctl flush-commit join_code/master purchases/master users/master
run pachctl get-file sales master /europe/2017-08-17.csv
run pachctl get-file sales master /america/2017-08-18.csv

say "Another day: two datums more, four are known."
printf '%s\n' george,lamp,40 katherine,chair,80 >"$work/2017-08-19.csv"
run pachctl put-file purchases master /2017-08-19.csv -c -f "$work/2017-08-19.csv"
run pachctl flush-commit purchases/master
run pachctl list-job -p sales

say "Another program: all six are processed anew, since it is part of each."
sed 's/print $1, country/print toupper($1), country/' join.awk >"$work/join.awk"
run pachctl put-file join_code master /join.awk -c -o -f "$work/join.awk"
run pachctl flush-commit join_code/master
run pachctl list-job -p sales
run pachctl get-file sales master /europe/2017-08-19.csv
