#!/bin/sh
# What bash and zsh offer after the words of a command line.

. "$top_srcdir/tests/tap.sh"

if ! command -v bash >/dev/null; then
    skip "completion" "no bash"
    done_testing
fi
cd "$scratch" || exit 1
"$top_builddir/pirn" explore --strategy=pos --seed=1 --quiet --trace hello.db "$top_builddir/docs/examples/hello" >/dev/null
mkdir folder && : >other.txt && : >'a b.db'

# What bash offers, one a line: $1: the shell words of the line, the last one as far as it is typed.
offers() {
    bash --norc -c '
        . "$1"; shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _pirn 2>errors
        printf "%s\n" "${COMPREPLY[@]}"
        cat errors' bash "$top_srcdir/sim/cli/completion/pirn" "$@" >offered
}

# offered WORDS... -- LINE...: these and no others, in any order.
is_offered() {
    : >expected
    while test "$1" != --; do
        printf '%s\n' "$1" >>expected
        shift
    done
    shift
    offers "$@"
    LC_ALL=C sort expected >a && LC_ALL=C sort offered | diff a -
}

# These among others.
are_offered() {
    word=$1
    shift
    offers "$@"
    grep -qxe "$word" offered || { cat offered && return 1; }
}

subcommands() {
    is_offered run record replay -- pirn r &&
        is_offered explore -- pirn explo &&
        for word in run explore replay record shrink merge list stats coverage explain view diff cc --help --version; do
            are_offered "$word" pirn '' || return 1
        done
}
# Every subcommand that --help names, and every option of its --help, by other means than theirs.
all_options() {
    for subcommand in $(pirn --help | awk '/^  [a-z]/ && $1 != "pirn" { print $1 }'); do
        pirn $subcommand --help >help
        ! grep -q -e --help=all help || pirn $subcommand --help=all >help
        grep -o -e '--[a-z-]*=\{0,1\}' help | sort -u >wanted
        offers pirn $subcommand --
        grep -vxFf wanted offered && return 1
        test "$(wc -l <offered)" -ge 1 || return 1
        grep -qx -e --help offered || return 1
    done
}
options() {
    is_offered --keep-going -- pirn explore --k && is_offered --seed= -- pirn explore --se &&
        is_offered --until= -- pirn replay --u && is_offered --until= -- pirn replay hello.db --u
}
words() {
    is_offered pct pos portfolio -- pirn explore --strategy = p && is_offered pct -- pirn explore --strategy pc &&
        is_offered early late -- pirn run --timers = && is_offered failing -- pirn explore --record = f &&
        is_offered leak,race -- pirn explore --allow = leak,r && is_offered finding -- pirn replay --until = '' &&
        is_offered svg shiviz -- pirn view --format = s && is_offered gcc github -- pirn explore --annotate = ''
}
traces() {
    is_offered 'a b.db' hello.db folder/ -- pirn list '' && is_offered hello.db -- pirn replay h &&
        is_offered hello.db -- pirn explore --trace = h && is_offered hello.db -- pirn merge out.db h
}
runs() {
    is_offered 'hello.db#1' 'hello.db#2' -- pirn explain 'hello.db#' && is_offered 'hello.db#2' -- pirn replay 'hello.db#2' &&
        is_offered '' -- pirn explain 'missing.db#'
}
programs() {
    are_offered other.txt pirn explore --seed=1 oth && are_offered other.txt pirn replay hello.db oth &&
        are_offered true pirn run tru && are_offered other.txt pirn explore -n 5 -- other
}

run "subcommands" subcommands
run "options" options
run "all options of all subcommands" all_options
run "words that options take" words
run "traces" traces
run "the runs of a trace" runs
run "programs" programs

# In zsh its own functions do the offering; what they are given is looked at.
zsh_offers() {
    zsh -f -c '
        _arguments() { print -l -- "$@" }
        _describe() { print -l -- "${(@P)@[-1]}" }
        compset() { PREFIX=${PREFIX#*\#} }
        _files() { print -l -- files "$@" }
        file=$1; shift
        words=("$@") CURRENT=$# PREFIX=$@[-1]
        . $file
        [[ -z $call ]] || $call' zsh "$top_srcdir/sim/cli/completion/_pirn" "$@" >offered 2>&1
    cat offered
}
zsh_subcommands() {
    zsh_offers pirn '' && grep -qx 'explore:many runs, until one fails' offered && grep -q '^view:' offered && ! grep -q '^pirn' offered
}
zsh_options() {
    zsh_offers pirn explore '' && grep -qx -e '--keep-going\[go on after the first failure\]' offered &&
        grep -q -e '^--strategy=\[.*\]:strategy:_pirn_strategies$' offered && grep -q -e '^-n+\[' offered &&
        grep -qx '1:program:_command_names -e' offered
}
zsh_runs() {
    call=_pirn_traces zsh_offers list 'hello.db#' && grep -qx '2:deadlock' offered && grep -qx '1:ok' offered
}
export call
if command -v zsh >/dev/null; then
    run "zsh: subcommands" zsh_subcommands
    run "zsh: options" zsh_options
    run "zsh: the runs of a trace" zsh_runs
else
    skip "zsh" "no zsh"
fi
done_testing
