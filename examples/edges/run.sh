#!/usr/bin/env bash
# Finds the edges of pictures, and puts pictures and edges into one. A path as argument receives the result.
result=${1:+$(realpath -- "$1")}
cd -- "$(dirname -- "${BASH_SOURCE[0]}")" || exit 1
source ../common.sh
need convert montage identify
clean_up_at_the_end "montage edges" "images"
start_pachd

mkdir "$work/images"
convert -size 160x120 xc:white -fill tomato -stroke black -draw 'circle 80,60 80,20' "$work/images/circle.png"
convert -size 160x120 xc:lightblue -fill gold -stroke black -draw 'polygon 20,110 80,10 140,110' "$work/images/triangle.png"

say "Two pictures go into a repo."
run pachctl create-repo images
run pachctl put-file images master / -c -r -f "$work/images"

say "One pipeline finds edges, another reads both the pictures and their edges."
run pachctl create-pipeline -f edges.json
run pachctl create-pipeline -f montage.json
run pachctl flush-commit images/master
run pachctl list-file edges master /

say "A third picture: its edges are found, and the montage is made anew, once."
convert -size 160x120 gradient:black-white -fill seagreen -draw 'roundrectangle 30,30 130,90 15,15' "$work/rectangle.png"
run pachctl put-file images master /rectangle.png -c -f "$work/rectangle.png"
run pachctl flush-commit images/master
run pachctl list-job
pachctl get-file montage master /montage.png >"$work/montage.png"
identify -format 'montage.png: %m, %w x %h\n' "$work/montage.png"
[[ -z $result ]] || cp "$work/montage.png" "$result"
