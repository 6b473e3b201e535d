#!/usr/bin/env bash
# A tour of the registry over the sample of this folder: examples/airports/tour.sh [FOLDER_OF_UPLOAD_FILES]
# It starts a server of its own with a temporary data folder, and compares every answer with what a few lines over the CSV files say.
# REGISTRY names the binary; without it one is built.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
files=${1:-$here/sample}
if [ -z "${REGISTRY:-}" ]; then
    (cd "$here/../.." && cargo build --quiet --package registry-server)
    REGISTRY=$here/../../${CARGO_TARGET_DIR:-target}/debug/registry
fi

work=$(mktemp -d)
server=
stop() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap stop EXIT

checks=0
say() { printf '\n## %s\n' "$1"; }
run() {
    local word shown='$ registry'
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./=-]*) shown+=" '$word'" ;;
        *) shown+=" ${word#"$here/"}" ;;
        esac
    done
    printf '%s\n' "$shown"
    "$REGISTRY" "$@"
}
# expect WHAT EXPECTED ANSWER
expect() {
    if [ "$2" != "$3" ]; then
        printf 'FAILED: %s\nexpected: %s\nanswered: %s\n' "$1" "$2" "$3" >&2
        exit 1
    fi
    checks=$((checks + 1))
    printf 'ok: %s: %s\n' "$1" "$2"
}
# Runs an awk program over CSV files with the cells of each row in c[1], c[2]…
over() {
    local program=$1
    shift
    awk '
        function cells(line,    n, i, ch, quoted, cell) {
            split("", c); n = 1; cell = ""; quoted = 0
            for (i = 1; i <= length(line); i++) {
                ch = substr(line, i, 1)
                if (quoted && ch == "\"" && substr(line, i + 1, 1) == "\"") { cell = cell ch; i++ }
                else if (ch == "\"") quoted = !quoted
                else if (ch == "," && !quoted) { c[n++] = cell; cell = "" }
                else cell = cell ch
            }
            c[n] = cell
        }
        FNR == 1 { file++; next }
        { cells($0) }
        '"$program" "$@"
}
rows() { over 'END { print NR - file }' "$1"; }
sorted() { LC_ALL=C sort | tr '\n' ' '; }
# The values of a field in the answer of a search, sorted: found FIELD SEARCH…
found() {
    local field=$1
    shift
    "$REGISTRY" search "$@" --limit 1000 --output json | grep -oE "\"$field\":(\"[^\"]*\"|[0-9.-]+)" | sed -e 's/^[^:]*://' -e 's/"//g' | sorted
}

say "Start a server"
"$REGISTRY" serve --listen 127.0.0.1:0 --data "$work/data" --log-format json >"$work/log" 2>&1 &
server=$!
for _ in $(seq 100); do
    address=$(sed -n 's/.*"address":"\([^"]*\)".*/\1/p' "$work/log")
    [ -n "$address" ] && break
    kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
    sleep 0.1
done
export REGISTRY_URL="http://$address"
expect "ready" "200" "$(curl -s -o /dev/null -w '%{http_code}' "$REGISTRY_URL/health/ready")"

say "Define the types"
run type apply "$here"/types/*.json
expect "types" "airport country region runway " "$(run type list | sed -n 's/^\([a-z]*\)  version.*/\1/p' | sorted)"

say "Upload countries, then what links to them by country.code"
for type in country region airport; do
    run upload "$type" "$files/$type.csv"
    expect "every row of $type is created" "$(rows "$files/$type.csv")" "$("$REGISTRY" download "$type" | rows /dev/stdin)"
done

say "Runways whose airport is missing are rejected, each with its line"
missing=$(over 'file == 1 { icao[c[1]] } file == 2 && !(c[3] in icao) { print FNR }' "$files/airport.csv" "$files/runway.csv")
good=$(($(rows "$files/runway.csv") - $(wc -w <<<"$missing")))
status=0
refused=$("$REGISTRY" upload runway "$files/runway.csv" --output json) || status=$?
expect "an atomic upload with a bad row fails" 1 "$status"
expect "and creates nothing" 0 "$("$REGISTRY" download runway | rows /dev/stdin)"
expect "its lines" "$(head -1000 <<<"$missing" | tr '\n' ' ')" \
    "$(grep -oE '"line":[0-9]+' <<<"$refused" | sed 's/.*://' | tr '\n' ' ')"
status=0
(set +o pipefail; run upload runway "$files/runway.csv" --atomic=false | head -4)
"$REGISTRY" upload runway "$files/runway.csv" --mode upsert --key source_id --atomic=false --output json >"$work/report" || status=$?
expect "rejected rows give exit code 3" 3 "$status"
expect "the good rows are there, and sent again they change nothing" "\"unchanged\":$good" "$(grep -o '"unchanged":[0-9]*' "$work/report")"
job=$(sed -n 's/.*"job":"\([^"]*\)".*/\1/p' "$work/report")
printf '$ curl %s/job/%s/rejected\n' "$REGISTRY_URL" "$job"
curl -s "$REGISTRY_URL/job/$job/rejected" >"$work/rejected.csv"
head -2 "$work/rejected.csv"
expect "rejected rows come back" "$(wc -w <<<"$missing")" "$(rows "$work/rejected.csv")"

say "Search: European airports above 5,000 feet"
run search airport --filter 'country.continent = "EU" AND elevation > 5000' --sort=-elevation
expect "they are" \
    "$(over 'file == 1 { continent[c[2]] = c[4] } file == 2 && continent[c[6]] == "EU" && c[7] + 0 > 5000 { print c[1] }' \
        "$files/country.csv" "$files/airport.csv" | sorted)" \
    "$(found icao airport --filter 'country.continent = "EU" AND elevation > 5000')"

say "Airports with a runway of 12,000 feet, through the inverse side of a link"
expect "they are" \
    "$(over 'file == 1 { icao[c[1]] } file == 2 && c[4] + 0 >= 12000 && (c[3] in icao) { print c[3] }' \
        "$files/airport.csv" "$files/runway.csv" | LC_ALL=C sort -u | tr '\n' ' ')" \
    "$(found icao airport --filter 'runways.length_ft >= 12000')"

say "Comparisons with commas between them"
expect 'city="London",elevation>100' \
    "$(over 'c[4] == "London" && c[7] + 0 > 100 { print c[1] }' "$files/airport.csv" | sorted)" \
    "$(found icao airport --fields 'city="London",elevation>100')"

say "What is linked to one country"
iceland=$("$REGISTRY" search country --filter 'code = "IS"' --output json | grep -oE '"id":"[^"]*"' | head -1 | sed 's/.*:"//; s/"//')
printf '$ curl %s/entity/country/%s/links\n' "$REGISTRY_URL" "$iceland"
curl -s "$REGISTRY_URL/entity/country/$iceland/links"
echo
expect "its airports" "$(over 'c[6] == "IS" { print c[1] }' "$files/airport.csv" | sorted)" "$(found icao airport --links "$iceland")"

say "Download, and upload what was downloaded"
run download airport --filter 'city = "Reykjavik"'
"$REGISTRY" download airport --output-file "$work/airport.csv"
"$REGISTRY" upload airport "$work/airport.csv" --mode upsert --key icao --output json >"$work/report"
expect "nothing changes" "\"unchanged\":$(rows "$files/airport.csv")" "$(grep -o '"unchanged":[0-9]*' "$work/report")"

say "End"
kill "$server"
status=0
wait "$server" || status=$?
server=
expect "the server ends in order" 0 "$status"
printf '\ntour: %s checks passed\n' "$checks"
