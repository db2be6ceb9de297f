#!/bin/sh
# What the documents show is so: each command is run, each program compiled and run.
#
# In docs/*.md, traces/README.md and docs/man, in the order in which they stand there, in a folder of the document's
# own:
#  - A block of ```console, or an indented or literal one whose first line begins with "$ ", is a
#    session. What follows a command is all that it prints; "..." stands for anything (a line of it,
#    for any lines), and times and schedules may differ. In a block that shows no output, output is
#    not compared, but no command may fail: a status of 1 of pirn says that it has found something.
#    .Dl $ COMMAND is such a block.
#  - ```c NAME is the file NAME.
#  - A block of C that begins with #include is a program: compiled with all warnings, and run on
#    threads, and if it uses pirn.h in the simulator and under 100 schedules. Where in a manual page a
#    display follows, that is its output.
#  - Other C is part of a function: it is compiled after what ```c frame.h has declared.
#  - A document that runs ./NAME without having made it gets the example of that name.
#  - <!-- not run: WHY --> before a block, or .\" not run: WHY before a display, leaves it out; blocks
#    with commands of pirn that are neither run nor left out are an error.
#  - <!-- nearly always --> before a session: what a program with a bug does in one of five tries.
#
# Usage: docs.sh [DOCUMENT...]

. "$top_srcdir/tests/tap.sh"

if test -n "${SANITIZED-}"; then
    skip "the documents" "a plain program cannot load a sanitized library"
    done_testing
fi

case $CC in
*clang*) compare=false ;; # gcc's debugging information is shown
*) compare=true ;;
esac
flags="-g -fno-optimize-sibling-calls"

# The commands of a user who has installed it.
mkdir "$scratch/bin"
cat >"$scratch/bin/cc" <<END
#!/bin/sh
exec $CC -Wall -Wextra -Werror "\$@"
END
mkdir "$scratch/include"
cp "$top_srcdir/lib/pirn.h" "$top_srcdir/sim/pirn-sim.h" "$scratch/include"
ln -s "$top_builddir/.libs" "$scratch/lib"
cat >"$scratch/bin/pkg-config" <<END
#!/bin/sh
for name; do :; done
echo "-I$scratch/include -L$scratch/lib -l\$name -Wl,-rpath,$scratch/lib"
END
chmod +x "$scratch/bin/cc" "$scratch/bin/pkg-config"
PATH=$scratch/bin:$PATH
export PATH
unset NO_COLOR

build() {
    library=pirn
    grep -q '<pirn-sim.h>' "$1.c" && library=pirn-sim
    cc $flags "$1.c" -o "$1" $(pkg-config $library)
}

# Whether the command in the file $1 goes on in the next line: after a backslash, or in quotes.
goes_on() {
    tail -n 1 "$1" | grep -q '\\$' || ! sh -n "$1" 2>/dev/null
}

# Takes the session $1 apart into command.1, shown.1, command.2, ...
split_session() {
    rm -f "$blocks"/command.* "$blocks"/shown.*
    count=0
    continued=false
    while IFS= read -r text; do
        case $continued-$text in
        true-*) printf '%s\n' "$text" >>"$blocks/command.$count" ;;
        *-'$ '*)
            count=$((count + 1))
            printf '%s\n' "${text#"$ "}" >"$blocks/command.$count"
            : >"$blocks/shown.$count"
            ;;
        *)
            printf '%s\n' "$text" >>"$blocks/shown.$count"
            continue
            ;;
        esac
        if goes_on "$blocks/command.$count"; then continued=true; else continued=false; fi
    done <"$blocks/$1"
}

# Performs the session $1.
session() {
    split_session "$1"
    shows_output=false
    grep -q . "$blocks"/shown.* && shows_output=true
    i=0
    while test $i -lt $count; do
        i=$((i + 1))
        sed 's/^/$ /' "$blocks/command.$i"
        timeout -k 5 120 sh "$blocks/command.$i" >"$blocks/printed" 2>&1 </dev/null
        status=$?
        if test $status -ge 124; then
            fits=false
        elif $shows_output; then
            ! $compare || awk -f "$top_srcdir/tests/docs-compare.awk" "$blocks/shown.$i" "$blocks/printed"
            test $? -eq 0 && fits=true || fits=false
        elif test $status -eq 0 || { test $status -eq 1 && grep -q '^pirn ' "$blocks/command.$i"; }; then
            fits=true
        else
            fits=false
        fi
        $fits || { echo "exit status $status; printed:" && cat "$blocks/printed" && return 1; }
    done
}

# The same for one that shows what a program with a bug does nearly always.
often() {
    for try in 1 2 3 4; do
        session "$1" && return
    done
    session "$1"
}

# Compiles and runs the program $1; $2: the block with its output, if it is shown.
program() {
    cp "$blocks/$1" program.c
    build program || return
    timeout 60 ./program >printed || return
    if test $# -gt 1; then diff "$blocks/$2" printed || return; fi
    grep -q '<pirn.h>' program.c || return 0
    PIRN_WORKERS=1 ./program >again && timeout 60 pirn run --seed 1 -q ./program >simulated || return
    if test $# -gt 1; then cat again simulated | diff - "$blocks/$2-twice" || return; fi
    pirn explore --seed 1 -n 100 -q ./program
}

fragment() {
    test -e frame.h || { echo 'there is no block ```c frame.h before it' && return 1; }
    {
        echo '#include "frame.h"'
        echo 'void fragment(void) {'
        cat "$blocks/$1"
        echo '}'
    } >fragment.c
    cc -Wno-unused -fsyntax-only "-I$scratch/include" fragment.c
}

unmarked() {
    cat "$blocks/$1"
    echo 'begin what is to be run with "$ ", or say before it: <!-- not run: WHY -->'
    return 1
}

# The examples that a document runs without having made them.
examples() {
    for example in "$top_srcdir"/docs/examples/*.c; do
        stem=$(basename "$example" .c)
        grep -q "^\`\`\`c $stem\.c" "$1" && continue
        grep -q "\$ .* $stem\.c\>" "$1" && cp "$example" "$stem.c"
        grep -q "\./$stem\>" "$1" || continue
        cp "$example" "$stem.c"
        build "$stem"
    done
}

# Whether the programs that a session needs are there.
needs() {
    for tool in sqlite3 dot gdb jq; do
        if grep -q "^\$ .*\<$tool\>" "$blocks/$1" && ! command -v $tool >/dev/null; then
            missing=$tool
            return 1
        fi
        case $tool in dot) grep -q '^\$ pirn view .*\.\(svg\|png\|pdf\)' "$blocks/$1" && ! command -v dot >/dev/null &&
            missing=Graphviz && return 1 ;; esac
    done
    return 0
}

document() {
    name=$(basename "$1")
    folder=$scratch/work/$name
    blocks=$scratch/blocks
    rm -rf "$blocks"
    mkdir -p "$folder" "$blocks"
    cd "$folder" || exit 1
    examples "$1" 2>"$scratch/.examples" || cat "$scratch/.examples" >&2
    awk -v folder="$blocks" -f "$top_srcdir/tests/docs.awk" "$1" >"$blocks/list"
    while read -r block line kind file; do
        where=$name:$line
        case $kind in
        session | often)
            if needs "$block"; then
                run "$where: $(head -n 1 "$blocks/$block")" $kind "$block"
            else
                skip "$where" "there is no $missing"
            fi
            ;;
        file) cp "$blocks/$block" "$file" ;;
        program)
            output=$(awk -v n=$((block + 1)) '$1 == n && $3 == "text" { print n }' "$blocks/list")
            test -n "$output" && cat "$blocks/$output" "$blocks/$output" >"$blocks/$output-twice"
            run "$where: the program" program "$block" $output
            ;;
        fragment) run "$where: the fragment" fragment "$block" ;;
        unmarked) run "$where: commands" unmarked "$block" ;;
        esac
    done <"$blocks/list"
}

# A document in which nothing is so but the first block.
wrong() {
    cat <<'END'
```console
$ echo "one
> two"
one
> two
$ echo 1.5 s, so it was
1.5 s, ... was
```

```console
$ echo 1; echo 2; echo 3
1
...
2
```

    $ echo one
    two

and

    $ echo one
    one
    two

and

    $ false

```c
int unused;
```

```c
#include <pirn.h>
static void main_task(void *arg) { pirn_recv(arg, NULL); }
int main(void) { return pirn_run(NULL, main_task, NULL) != 0; }
```

```
pirn list what.db
```
END
}

notices() {
    wrong >"$scratch/wrong.md"
    sh "$top_srcdir/tests/docs.sh" "$scratch/wrong.md" >"$scratch/verdict"
    cat "$scratch/verdict"
    test "$(grep '^ok' "$scratch/verdict" | wc -l)" -eq 1 && test "$(grep '^not ok' "$scratch/verdict" | wc -l)" -eq 7
}

if test $# -eq 0; then
    if $compare; then run "what is not so is noticed" notices; fi
    set -- "$top_srcdir"/docs/*.md "$top_srcdir/traces/README.md" "$top_srcdir"/docs/man/*.[1-9]
fi
for path; do
    case $path in
    /*) ;;
    *) path=$PWD/$path ;;
    esac
    (document "$path"; echo "$number $failures" >"$scratch/counts")
    read -r number failures <"$scratch/counts"
done
done_testing
