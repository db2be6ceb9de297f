# docs-compare.awk - is what a document shows what a command has printed?
#
#     awk -f docs-compare.awk SHOWN PRINTED
#
# Three dots in a line that is shown stand for anything, and a line of nothing else for any number of
# lines. Prints the first difference and ends with 1 if there is one.

function settle(s) {
    gsub(/pirn1:[A-Za-z0-9_-]+/, "pirn1:", s)
    gsub(/ in [0-9.]+ s$/, " in s", s)
    gsub(/ in [0-9.]+ s /, " in s ", s)
    sub(/[ \t]+$/, "", s)
    return s
}

function matches(shown, printed, parts, count, i, at) {
    count = split(shown, parts, /\.\.\./)
    if (count < 2) return shown == printed
    if (substr(printed, 1, length(parts[1])) != parts[1]) return 0
    printed = substr(printed, length(parts[1]) + 1)
    for (i = 2; i < count; i++) {
        if (!(at = index(printed, parts[i])) && parts[i] != "") return 0
        if (parts[i] != "") printed = substr(printed, at + length(parts[i]))
    }
    return length(printed) >= length(parts[count]) &&
        substr(printed, length(printed) - length(parts[count]) + 1) == parts[count]
}

FILENAME == ARGV[1] { shown[++shown_count] = settle($0); next }
{ printed[++printed_count] = settle($0) }

END {
    # Blank lines at the end belong to the document.
    while (shown_count && shown[shown_count] == "") shown_count--
    while (printed_count && printed[printed_count] == "") printed_count--
    for (s = p = 1; s <= shown_count; s++) {
        if (shown[s] == "...") {
            if (s == shown_count) exit 0
            while (p <= printed_count && !matches(shown[s + 1], printed[p])) p++
        } else if (p > printed_count || !matches(shown[s], printed[p]))
            break
        else
            p++
    }
    if (s > shown_count && p > printed_count) exit 0
    print "shown:   " (s > shown_count ? "nothing more" : shown[s])
    print "printed: " (p > printed_count ? "nothing more" : printed[p])
    exit 1
}
