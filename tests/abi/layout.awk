# layout.awk - from public headers, preprocessed by `cc -E -P`, a program in C that prints what programs are
# compiled with: each struct's size and alignment, each member's offset and size, each constant's value.
#
# -v constants="NAME NAME": macros whose values are printed, too.

{ text = text " " $0 }

function print_value(name, value) { printf "    printf(\"%%s %%lld\\n\", \"%s\", (long long)(%s));\n", name, value }

# The members of "type a, *b; type c[3];".
function members(type, body,    count, i, j, parts, names, declared) {
    count = split(body, declared, ";")
    for (i = 1; i < count; i++) {
        parts = split(declared[i], names, ",")
        for (j = 1; j <= parts; j++) {
            sub(/\[.*/, "", names[j])
            sub(/ *$/, "", names[j])
            sub(/.*[ *]/, "", names[j])
            printf "    printf(\"%%s %%zu %%zu\\n\", \"%s.%s\", offsetof(%s, %s), sizeof(((%s *)0)->%s));\n", \
                type, names[j], type, names[j], type, names[j]
        }
    }
}

function constants_of(body,    count, i, names) {
    count = split(body, names, ",")
    for (i = 1; i <= count; i++) {
        sub(/=.*/, "", names[i])
        gsub(/ /, "", names[i])
        if (names[i] != "") print_value(names[i], names[i])
    }
}

END {
    print "#include <pirn.h>\n#include <pirn-sim.h>\n#include <stdio.h>\n#include <stddef.h>\n\nint main(void) {"
    gsub(/[ \t]+/, " ", text)
    while (match(text, /(struct|enum) pirn_[a-z0-9_]* \{[^{}]*\}/)) {
        definition = substr(text, RSTART, RLENGTH)
        text = substr(text, RSTART + RLENGTH)
        split(definition, words, " ")
        type = words[1] " " words[2]
        body = definition
        sub(/^[^{]*\{/, "", body)
        sub(/\}$/, "", body)
        printf "    printf(\"%%s %%zu %%zu\\n\", \"%s\", sizeof(%s), _Alignof(%s));\n", type, type, type
        if (words[1] == "struct") members(type, body); else constants_of(body)
    }
    count = split(constants, names, " ")
    for (i = 1; i <= count; i++) print_value(names[i], names[i])
    print "    return 0;\n}"
}
