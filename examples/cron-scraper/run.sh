#!/usr/bin/env bash
# Fetches a page every two seconds; the history of the repo is that of the page.
cd -- "$(dirname -- "${BASH_SOURCE[0]}")" || exit 1
source ../common.sh
need python3 curl
web=
stop_helpers() {
  [[ -n $web ]] || return 0
  kill "$web"
  wait "$web" 2>/dev/null || true
}
clean_up_at_the_end "scraper" "scraper_tick"
start_pachd

python3 server.py "$work/page" &
web=$!
until [[ -s $work/page ]]; do sleep 0.1; done
page=$(<"$work/page")

say "A pipeline that runs by the clock: there is no repo to make, it makes its own."
echo "$ sed s|@PAGE@|$page| scraper.json | pachctl create-pipeline -f -"
sed "s|@PAGE@|$page|" scraper.json | pachctl create-pipeline -f -

say "Its first three commits:"
echo '$ pachctl subscribe-commit scraper master'
exec {commits}< <(exec "$PACHCTL" subscribe-commit scraper master)
subscriber=$!
for ((count = 0; count < 3; )); do
  read -r line <&"$commits"
  echo "$line"
  [[ $line != scraper* ]] || count=$((count + 1))
done
kill "$subscriber"
run pachctl stop-pipeline scraper

say "The page as it was at each of them, oldest first:"
pachctl list-commit scraper master | awk '$1 == "scraper" { print $2 }' | tac | while read -r commit; do
  printf '%s: %s\n' "$(pachctl get-file scraper "$commit" /fetched)" "$(pachctl get-file scraper "$commit" /page)"
done
