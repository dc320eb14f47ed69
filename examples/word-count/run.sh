#!/usr/bin/env bash
# Counts words in two steps: of each text, and of all together.
cd -- "$(dirname -- "${BASH_SOURCE[0]}")" || exit 1
source ../common.sh
clean_up_at_the_end "word_total word_count" "texts"
start_pachd

# Some lines of words; which ones, is decided by the number.
write_text() {
  awk -v seed="$1" 'BEGIN {
    count = split("the a wind river stone sings carries turns slowly under over old new light night", words, " ")
    for (line = 0; line < 40; line++) {
      text = ""
      for (word = 0; word < 8; word++) {
        seed = (seed * 16807) % 2147483647
        text = text words[seed % count + 1] " "
      }
      print text
    }
  }'
}
mkdir "$work/texts"
for i in 1 2 3; do write_text "$i" >"$work/texts/text$i.txt"; done

say "Three texts go into a repo, in one commit."
run pachctl create-repo texts
run pachctl put-file texts master / -c -r -f "$work/texts"

say "Two pipelines: one counts each text, the other adds up what the first has counted."
run pachctl create-pipeline -f count.json
run pachctl create-pipeline -f total.json
run pachctl flush-commit texts/master
run pachctl list-file word_count master /

say "The words of all three texts:"
run pachctl get-file word_total master /words

say "A fourth text: only that is counted, the counts of the others are known."
write_text 4 >"$work/text4.txt"
run pachctl put-file texts master /text4.txt -c -f "$work/text4.txt"
run pachctl flush-commit texts/master
run pachctl list-job -p word_count
run pachctl get-file word_total master /words
