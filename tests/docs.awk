# docs.awk - takes a document apart: what it shows to type and what comes of it, its programs.
#
#     awk -v folder=FOLDER -f docs.awk DOCUMENT
#
# Writes each block into FOLDER/1, FOLDER/2, ... and prints a line for each: its number, the line of
# the document, and what it is. tests/docs.sh tells what the kinds mean.

function begin(what) {
    kind = what
    line = NR
    text = ""
}

function add(s) { text = text s "\n" }

function end() {
    if (kind == "indented" || kind == "display" || kind == "plain")
        kind = text ~ /^\$ / ? "session" : text ~ /^#include/ ? "program" : kind == "display" ? "text" : "other"
    if (kind == "c") kind = text ~ /^#include/ ? "program" : "fragment"
    if (skipped && kind != "text") kind = "skipped"
    else if (kind == "other") kind = text ~ /(^|\n)pirn [a-z]/ ? "unmarked" : "text"
    else if (often && kind == "session") kind = "often"
    skipped = often = 0
    if (kind != "text" || manual) {
        number++
        printf "%s", text >(folder "/" number)
        close(folder "/" number)
        print number, line, kind
    }
    kind = ""
}

BEGIN { manual = ARGV[1] ~ /\.[1-9]$/ }

# ---- Manual pages ----

manual && /^\.Bd -literal/ { begin("display"); next }
manual && kind != "" && /^\.Ed/ { end(); next }
manual && /^\.\\" not run: / { skipped = 1; next }
manual && kind == "" && /^\.Dl \$ / {
    begin("session")
    $0 = substr($0, 5)
    gsub(/\\e/, "\\")
    gsub(/\\&/, "")
    add($0)
    end()
    next
}
manual && kind == "" && /^\.Dl pirn / { begin("unmarked"); add($0); end(); next }
manual {
    if (kind == "") next
    gsub(/\\e/, "\\")
    gsub(/\\&/, "")
    gsub(/\\-/, "-")
    add($0)
    next
}

# ---- Markdown ----

kind != "" && fenced && /^```/ { fenced = 0; end(); next }
kind != "" && fenced { add($0); next }
kind != "" && /^    / { add(substr($0, 5)); next }
kind != "" && /^$/ { add(""); next }
kind != "" { end() }
/^<!-- not run: .* -->$/ { skipped = 1; next }
/^<!-- nearly always -->$/ { often = 1; next }
/^```/ {
    if ($1 == "```console") begin("session")
    else if ($1 == "```c" && NF > 1) begin("file " $2)
    else if ($1 == "```c") begin("c")
    else if ($1 == "```" || $1 == "```sh") begin("plain")
    else begin("text")
    fenced = 1
    next
}
blank && /^    [^ ]/ { begin("indented"); add(substr($0, 5)); next }
/^$/ { blank = 1; next }
{ blank = skipped = often = 0 }

END { if (kind != "") end() }
