#!/bin/sh
# The HTTP server among the examples: the protocol, 10,000 connections at once, and how it ends.

. "$top_srcdir/tests/tap.sh"

client=$top_builddir/tests/http-client
server=$top_builddir/docs/examples/http-echo
case ${SANITIZED-} in
yes) many=1000 ;; # each costs the sanitizers much memory
*) many=10000 ;;
esac

pid=
trap 'test -z "$pid" || kill -9 "$pid"; rm -rf "$scratch"' EXIT

# Waits until a command succeeds, much longer than that can take.
await() {
    tries=0
    until "$@" 2>/dev/null; do
        tries=$((tries + 1))
        test $tries -lt 1200 || { echo "in vain: $*" && return 1; }
        sleep 0.1
    done
}

# Starts the server with these options; $port is where. What the one before has said must be gone:
# the shell may be slow to empty the file.
start() {
    rm -f "$scratch/server"
    "$server" "$@" >"$scratch/server" 2>&1 &
    pid=$!
    await grep -q '^listening' "$scratch/server"
    port=$(sed -n 's/^listening on port //p' "$scratch/server")
}

# Waits for the end of the server, which has to be a good one.
ended() {
    wait "$pid"
    status=$?
    pid=
    cat "$scratch/server"
    test $status -eq 0 || { echo "the exit status is $status" && return 1; }
}

stop() {
    kill -s "$1" "$pid" && ended
}

# Sends $1, through printf, and prints the answers without their dates. $2: options of the client.
exchange() {
    printf "$1" | "$client" ${2-} "$port" >"$scratch/raw" || return 1
    tr -d '\r' <"$scratch/raw" | sed '/^Date: ..., .. ... .... ..:..:.. GMT$/d'
}

# The answers to $1 are just these: $2, also if they come byte by byte.
answers() {
    exchange "$1" >"$scratch/got" || return 1
    exchange "$1" -b >"$scratch/got_by_byte" || return 1
    printf '%s\n' "$2" >"$scratch/expected"
    echo "$(cat "$scratch/got")" | diff "$scratch/expected" - && diff "$scratch/got" "$scratch/got_by_byte"
}

ok() {
    printf 'HTTP/1.1 200 OK\nContent-Type: application/octet-stream\nContent-Length: %d\n%s\n%s' \
        "${#1}" "${2-}" "$1"
}

# As the last answer, but for the body.
head_of_last() {
    last "$1" | sed '/^$/q'
}

last() {
    ok "$1" "Connection: close
"
}

# The server refuses $2 with status $1, and closes.
refuses() {
    exchange "$2" >"$scratch/got" || return 1
    cat "$scratch/got"
    test "$(sed -n '1s/^HTTP.1.1 \([0-9]*\) .*/\1/p' "$scratch/got")" = "$1" &&
        grep -q '^Connection: close$' "$scratch/got"
}

repeat() {
    awk -v n="$1" -v text="$2" 'BEGIN { while (n-- > 0) printf "%s", text }'
}

host='Host: localhost\r\n'
bye='Connection: close\r\n\r\n'

run "the server starts" start
run "a GET gets its target" answers "GET /a/b?c HTTP/1.1\r\n$host$bye" "$(last '/a/b?c')"
run "a POST gets its body" answers "POST / HTTP/1.1\r\n${host}Content-Length: 11\r\n${bye}hello world" "$(last 'hello world')"
run "a PUT without a body gets none" answers "PUT / HTTP/1.1\r\n$host$bye" "$(last '')"
run "names of fields have no case" answers "POST / HTTP/1.1\r\nhOST:x\r\ncontent-LENGTH:\t2 \r\nCONNECTION: Close\r\n\r\nhi" "$(last hi)"
run "a body in chunks, with an extension and a trailer" answers \
    "POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n${bye}5\r\nhello\r\n00A ; x=y\r\n, chunked \r\n1\r\n!\r\n0\r\nDigest: none\r\n\r\n" \
    "$(last 'hello, chunked !')"
run "requests one after the other are answered in order" answers \
    "GET /1 HTTP/1.1\r\n$host\r\nPOST /2 HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\ntwo\r\nPUT /3 HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n5\r\nthree\r\n0\r\n\r\nGET /4 HTTP/1.1\r\n$host$bye" \
    "$(ok /1)$(ok two)$(ok three)$(last /4)"
run "the body of a GET means nothing" answers \
    "GET /1 HTTP/1.1\r\n${host}Content-Length: 4\r\n\r\nGET GET /2 HTTP/1.1\r\n$host$bye" "$(ok /1)$(last /2)"
run "what comes after the last request is not looked at" answers \
    "GET / HTTP/1.1\r\n${host}${bye}nonsense" "$(last /)"
run "HTTP/1.0 closes" answers "GET /old HTTP/1.0\r\n\r\n" "$(last /old)"
run "HTTP/1.0 may ask for more" answers "GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n" \
    "$(ok /1 'Connection: keep-alive
')$(last /2)"
run "a HEAD gets the head of a GET" answers "HEAD /four HTTP/1.1\r\n$host$bye" "$(head_of_last /four)"

for version in HTTP/2.0 HTTP/0.9; do
    run "$version is refused" refuses 505 "GET / $version\r\n$host\r\n"
done
run "an unknown method is refused" refuses 501 "BREW / HTTP/1.1\r\n$host\r\n"
run "an unknown coding is refused" refuses 501 "POST / HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n"
run "an unknown expectation is refused" refuses 417 "POST / HTTP/1.1\r\n${host}Expect: miracles\r\n\r\n"
run "no version" refuses 400 "GET /\r\n\r\n"
run "no target" refuses 400 "GET  HTTP/1.1\r\n$host\r\n"
run "a target with a space" refuses 400 "GET /a b HTTP/1.1\r\n$host\r\n"
run "a target that is none" refuses 400 "GET a HTTP/1.1\r\n$host\r\n"
run "a strange version" refuses 400 "GET / HTTP/1.1x\r\n$host\r\n"
run "a method that is no token" refuses 400 "G(T / HTTP/1.1\r\n$host\r\n"
run "no host" refuses 400 "GET / HTTP/1.1\r\n\r\n"
run "two hosts" refuses 400 "GET / HTTP/1.1\r\n$host$host\r\n"
run "a line that ends with LF alone" refuses 400 "GET / HTTP/1.1\n$host\r\n"
run "a field without a colon" refuses 400 "GET / HTTP/1.1\r\n${host}nonsense\r\n\r\n"
run "a space before the colon" refuses 400 "GET / HTTP/1.1\r\nHost : x\r\n\r\n"
run "a folded field" refuses 400 "GET / HTTP/1.1\r\n${host} and more\r\n\r\n"
run "a control character" refuses 400 "GET / HTTP/1.1\r\n${host}X: a\001b\r\n\r\n"
run "a NUL" refuses 400 "GET / HTTP/1.1\r\n${host}X: a\000b\r\n\r\n"
for length in -1 +1 0x1 1x '' '1, 1' 1.0; do
    run "Content-Length: $length" refuses 400 "POST / HTTP/1.1\r\n${host}Content-Length: $length\r\n\r\nx"
done
run "two lengths" refuses 400 "POST / HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"
run "a length and chunks" refuses 400 \
    "POST / HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
run "chunks in HTTP/1.0" refuses 400 "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
for size in x -1 0x1 '' ' 1' 1z; do
    run "a chunk of '$size' bytes" refuses 400 \
        "POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n$size\r\nx\r\n0\r\n\r\n"
done
run "a chunk that is longer than it says" refuses 400 \
    "POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n"
run "a target too long" refuses 414 "GET /$(repeat 8192 x) HTTP/1.1\r\n$host\r\n"
run "a field too long" refuses 431 "GET / HTTP/1.1\r\n${host}X: $(repeat 8192 x)\r\n\r\n"
run "too many fields" refuses 431 "GET / HTTP/1.1\r\n${host}$(repeat 950 'X: yyyy\\r\\n')\r\n"
run "too many trailers" refuses 431 \
    "POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n$(repeat 950 'X: yyyy\\r\\n')\r\n"
run "a body too long" refuses 413 "POST / HTTP/1.1\r\n${host}Content-Length: 1048577\r\n\r\n$(repeat 9999 xxxxxxxxxx)"
run "a chunk too long" refuses 413 "POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n"

# What has been answered remains answered.
good_then_bad() {
    exchange "GET /good HTTP/1.1\r\n$host\r\nbad\r\n\r\n" >"$scratch/got" || return 1
    cat "$scratch/got"
    test "$(sed -n 's/.*\(HTTP.1.1 [0-9]*\) .*/\1/p' "$scratch/got" | tr '\n' ' ')" = "HTTP/1.1 200 HTTP/1.1 400 "
}
run "a good request and a bad one" good_then_bad

# The largest body that there may be: what comes back is what was sent.
large_body() {
    repeat 65536 'sixteen letters.' >"$scratch/body"
    {
        printf "POST / HTTP/1.1\r\n${host}Content-Length: 1048576\r\n$bye"
        cat "$scratch/body"
    } | "$client" "$port" | tail -c 1048576 | cmp - "$scratch/body"
}
run "a body of 1 MiB" large_body

# A client whose input we write bit by bit, through a pipe.
talk() {
    rm -f "$scratch/pipe"
    mkfifo "$scratch/pipe" && : >"$scratch/got" || return 1
    "$client" "$port" <"$scratch/pipe" >"$scratch/got" 2>"$scratch/errors" &
    talker=$!
    exec 3>"$scratch/pipe"
}

say() {
    printf "$1" >&3
}

# Waits until the client has got a line that begins so.
hear() {
    await grep -q "^$1" "$scratch/got"
}

# The client's end, which has to be that the server closed; nothing more is said.
hung_up() {
    wait "$talker"
    status=$?
    exec 3>&-
    cat "$scratch/got" "$scratch/errors"
    test $status -eq 0
}

asked_for_the_body() {
    talk && say "POST / HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 4\r\n$bye" &&
        hear 'HTTP/1.1 100 Continue' && say 'body' && hung_up && test "$(tail -n 1 "$scratch/got")" = body
}
run "Expect: 100-continue" asked_for_the_body

gone_halfway() {
    talk && say "POST / HTTP/1.1\r\n${host}Content-Length: 4\r\n\r\nbo" && kill "$talker" && exec 3>&- || return 1
    wait "$talker"
    answers "GET /still HTTP/1.1\r\n$host$bye" "$(last /still)"
}
run "a client that goes away halfway is no harm" gone_halfway

# One connection waits for a request, and one is in the middle of its second.
graceful_end() {
    talk && say "GET /first HTTP/1.1\r\n$host\r\nGET /second HTTP/1.1\r\n" && hear /first || return 1
    kill -s "$1" "$pid" && await refused && say "$host\r\n" && hung_up || return 1
    test "$(grep -c '^Connection: close' "$scratch/got")" = 1 && test "$(tail -n 1 "$scratch/got")" = /second && ended
}
refused() {
    ! "$client" -n 1 "$port"
}
run "after SIGTERM a request under way is answered, and that is all" graceful_end TERM

idle_end() {
    start -t 1000 && talk && say "GET /idle HTTP/1.1\r\n$host\r\n" && hear /idle && stop "$1" && hung_up
}
run "SIGTERM ends an idle connection" idle_end TERM
run "SIGINT ends an idle connection" idle_end INT

timeouts() {
    start -t 1 && talk && hung_up && test ! -s "$scratch/got" || return 1
    talk && say "GET / HTTP/1.1\r\n" && hung_up && grep -q '^HTTP/1.1 408 ' "$scratch/got" && stop TERM
}
run "a connection that is idle too long is closed, a request that takes too long refused" timeouts

# One connection more than the server takes at once has to wait until another one ends.
limited() {
    start -n 1 && talk && say "GET /first HTTP/1.1\r\n$host\r\n" && hear /first || return 1
    "$client" -n 1 "$port" >"$scratch/second" &
    second=$!
    say "GET /last HTTP/1.1\r\n$host$bye" && hung_up && wait $second && stop TERM &&
        grep '^3 requests, at most 1 connections' "$scratch/server"
}
run "who comes when all connections are taken waits" limited

held() {
    start -t 1000 "$@" && "$client" -n $many -r 2 "$port" && stop TERM &&
        grep "^$((2 * many)) requests, at most $many connections at once" "$scratch/server"
}

# A task's stack, its buffer and the kernel's part for it take some pages; the rest of what is
# reserved must not have been touched.
modest_memory() {
    memory=$(sed -n 's/.* at once, \([0-9.]*\) KiB of memory for each$/\1/p' "$scratch/server")
    echo "$memory KiB"
    awk -v kib="$memory" 'BEGIN { exit !(kib >= 4 && kib <= 40) }'
}

limit=$(ulimit -Hn)
if test "$limit" != unlimited && test "$limit" -lt $((many + 100)); then
    skip "$many connections at once" "this process may open only $limit files"
else
    for workers in 1 2; do
        run "$many connections at once, $workers of the workers" held -w $workers
        case ${SANITIZED-} in
        yes) skip "with little memory for each" "sanitizers need more" ;;
        *) run "with little memory for each, $workers of the workers" modest_memory ;;
        esac
    done
fi

said_too_few() {
    (
        ulimit -n 100
        "$server" -c 10 -n 500 >"$scratch/server" 2>&1
    ) && cat "$scratch/server" && grep '^http-echo: no more than 58 connections: only 100 files' "$scratch/server"
}
run "a limit too low is told" said_too_few

misused() {
    for wrong in '-p 65536' '-w x' '-t 0' '-n 0' 'more' '-z'; do
        "$server" $wrong >"$scratch/server" 2>&1
        test $? -eq 2 && grep -q ^usage "$scratch/server" || { echo "$wrong" && return 1; }
    done
}
run "bad usage is refused" misused
done_testing
