# For the tests of carts: serves a recording, makes a site for it, syncs, and compares every record with the documents
# expected of it. Sourced by tests that run from the source folder with CARTWRIGHT set.
set -u
: "${CARTWRIGHT:?the program to test, such as build/release/cartwright}"
for tool in jq sqlite3; do
    command -v $tool >/dev/null || { echo "$tool is not installed"; exit 77; }
done

work=$(mktemp -d)
site=$work/site
servers=
payloads=0 held=0 failures=0

finish() {
    for pid in $servers; do kill "$pid" 2>/dev/null; done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

fail() {
    echo "FAILED: $*" >&2
    failures=$((failures + 1))
}

serve() { # serve RECORDING: sets $port
    rm -f "$work/port"
    "$CARTWRIGHT" serve-replay "$1" --ready-file "$work/port" >>"$work/served" 2>>"$work/misses" &
    servers="$servers $!"
    tries=0
    until [ -s "$work/port" ]; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || { cat "$work/misses" >&2; exit 1; }
        sleep 0.1
    done
    port=$(cat "$work/port")
}

make_site() { # make_site TYPE URL ZONE SECRET=VALUE...
    rm -rf "$site"
    "$CARTWRIGHT" new "$site" --type "$1" --url "$2" --zone "$3" >/dev/null || exit 1
    sed -i 's/allow = {}/allow = { "127.0.0.1:*" }/' "$site/site.lua"
    shift 3
    for secret; do
        printf '%s\n' "${secret#*=}" | "$CARTWRIGHT" secret --site "$site" shop "${secret%%=*}" >/dev/null || exit 1
    done
}

cartwright() { "$CARTWRIGHT" "$1" --site "$site" "${@:2}"; }

# What a record becomes, without how: the document, and why it is held or skipped where it is.
only_outcome='{ skipped_by, issues: [ .issues[] | { code, field, message } ], document }
    | with_entries(select(.value != null and .value != []))'

compare() { # compare EXPECTED ACTUAL: accepts what came when CW_ACCEPT is set
    if [ -n "${CW_ACCEPT:-}" ]; then
        mkdir -p "$(dirname "$1")" && cp "$2" "$1"
    elif [ ! -e "$1" ]; then
        fail "$1 is missing"
    else
        diff -u "$1" "$2" >&2 || fail "$1 differs"
    fi
}

count() { # count JSON
    payloads=$((payloads + 1))
    jq -e '.issues' "$1" >/dev/null && held=$((held + 1))
}

compare_stored() { # compare_stored FOLDER: every stored record, and no record missing
    sqlite3 "$site/store.db" "SELECT stream, external_id FROM raw_heads" | sort >"$work/heads"
    while IFS='|' read -r stream id; do
        cartwright preview shop "$id" --stream "$stream" --json 2>"$work/err" | jq "$only_outcome" >"$work/record.json"
        [ -s "$work/record.json" ] || fail "$stream $id: $(cat "$work/err")"
        compare "$1/$stream-$id.json" "$work/record.json"
        count "$work/record.json"
    done <"$work/heads"
    find "$1" -name '*.json' | while read -r file; do
        name=$(basename "$file" .json)
        grep -qx "${name%%-*}|${name#*-}" "$work/heads" || echo "$file"
    done >"$work/absent"
    [ ! -s "$work/absent" ] || fail "not stored: $(cat "$work/absent")"
}

preview=() # options of the previews of files, such as --stream customers

compare_files() { # compare_files FOLDER FILE...: every record of files that are imported
    folder=$1
    shift
    for file; do
        cartwright preview shop "$file" "${preview[@]}" --json 2>"$work/err" >"$work/lines"
        [ -s "$work/lines" ] || fail "$file: $(cat "$work/err")"
        while read -r line; do
            printf '%s\n' "$line" | jq "$only_outcome" >"$work/record.json"
            id=$(printf '%s\n' "$line" | jq -r '.id | gsub("/"; "_")')
            compare "$folder/$(basename "$file" .json)-$id.json" "$work/record.json"
            count "$work/record.json"
        done <"$work/lines"
    done
}

# The documents as they lie in the store agree with the expected ones where both have a plain field.
compare_rows() { # compare_rows FOLDER
    for field in number status payment_status currency total goods_total tax_total email; do
        sqlite3 -separator ' ' "$site/store.db" "SELECT external_id, $field FROM orders WHERE $field IS NOT NULL" |
            sort >"$work/rows"
        for file in "$1"/orders-*.json; do
            jq -r "select(.issues == null and .skipped_by == null) | .document |
                select(.$field != null) | \"\(.external_id) \(.$field)\"" "$file"
        done | sort >"$work/expected"
        diff "$work/expected" "$work/rows" >&2 || fail "orders.$field in the store differs from $1"
    done
}

sync_twice() { # the second time nothing may change, and nothing may be asked that was not recorded
    cartwright sync shop >"$work/first" 2>&1 || { cat "$work/first" >&2; fail "sync"; }
    cartwright sync shop >"$work/second" 2>&1 || { cat "$work/second" >&2; fail "second sync"; }
    if grep -v 'nothing changed' "$work/second" >&2; then fail "the second sync changed something"; fi
    if [ -s "$work/misses" ]; then cat "$work/misses" >&2; fail "requests without a recorded answer"; fi
}

report() {
    echo "$payloads payloads, $held held"
    [ "$failures" -eq 0 ]
    exit
}
