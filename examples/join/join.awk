# For each purchase of a user of the first file: user, country, item, price.
BEGIN { FS = OFS = "," }
NR == FNR { country[$1] = $2; next }
$1 in country { print $1, country[$1], $2, $3 }
