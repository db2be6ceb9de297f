#!/bin/sh
# What is installed is found: by pkg-config, CMake, Meson and Autotools, from a folder that is not
# the one it was made for; the sample project builds and passes with each; uninstalling leaves
# nothing.

. "$top_srcdir/tests/tap.sh"

if test -n "${SANITIZED-}${COVERAGE-}"; then
    skip "packaging" "a plain program cannot be linked with a library that watches itself"
    done_testing
fi

stage=$scratch/stage
sample=$top_srcdir/docs/samples/project
make=${MAKE:-make}
# What this make was given is not for those that follow.
unset MAKEFLAGS MFLAGS MAKELEVEL DESTDIR

variable() {
    sed -n "s/^$1=//p" "$stage/pc" | head -n 1
}

install_in_stage() {
    $make -C "$top_builddir" install DESTDIR="$stage" >"$scratch/install.log" 2>&1 ||
        { tail -n 20 "$scratch/install.log" && return 1; }
}

# What is there, by hand, of the libraries.
sonames() {
    for name in pirn pirn-sim; do
        test -L "$libraries/lib$name.so" && test -L "$libraries/lib$name.so.$major" || return 1
        objdump -p "$libraries/lib$name.so" | grep -q "SONAME *lib$name.so.$major\$" || return 1
    done
}

# Runs a function in a fresh folder with the sample project in it.
in_copy() {
    (mkdir "$scratch/$1" && cd "$scratch/$1" && cp "$sample"/* . && "$1")
}

with_pkg_config() {
    $make -f Makefile.plain CC="$CC" check
}

with_pkg_config_statically() {
    $make -f Makefile.plain CC="$CC" squares-static && test "$(./squares-static)" = 385
}

with_cmake() {
    cmake -DCMAKE_C_COMPILER="${CC%% *}" -DCMAKE_CXX_COMPILER="${CXX%% *}" -DCMAKE_PREFIX_PATH="$stage$prefix" . &&
        cmake --build . && ctest --output-on-failure &&
        { test ! -f "$libraries/libpirn.a" || test "$(./squares-static)" = 385; }
}

# Another minor version before 1.0 is refused.
with_cmake_of_another_version() {
    for wanted in 0.2 0.0.9; do
        printf 'cmake_minimum_required(VERSION 3.13)\nproject(none NONE)\nfind_package(Pirn %s)\n%s\n' \
            $wanted 'message("found: ${Pirn_FOUND}")' >CMakeLists.txt
        cmake -DCMAKE_PREFIX_PATH="$stage$prefix" . 2>&1 | grep 'found: 0' || return 1
    done
}

with_meson() {
    CC="$CC" CXX="$CXX" meson setup build && meson test -C build --print-errorlogs
}

with_autotools() {
    ACLOCAL_PATH=$stage$prefix/share/aclocal autoreconf -fi && ./configure CC="$CC" && $make check
}

uninstalls() {
    $make -C "$top_builddir" uninstall DESTDIR="$stage" >"$scratch/uninstall.log" 2>&1 ||
        { tail -n 20 "$scratch/uninstall.log" && return 1; }
    find "$stage" ! -type d -print -o -iname '*pirn' -print >"$scratch/left"
    cat "$scratch/left"
    test ! -s "$scratch/left"
}

# run_with TITLE FUNCTION PROGRAM...: skipped where a program is missing.
run_with() {
    title=$1 function=$2
    shift 2
    for program; do
        command -v "$program" >/dev/null || { skip "$title" "no $program" && return; }
    done
    run "$title" in_copy "$function"
}

run "make install DESTDIR=..." install_in_stage

find "$stage" -name pirn.pc -exec cat {} + >"$stage/pc"
prefix=$(variable prefix)
pkgconfig=$(dirname "$(find "$stage" -name pirn.pc)")
libraries=$(dirname "$pkgconfig")
rm "$stage/pc"
major=$(sed -n 's/.*IMPORTED_SONAME lib${name}\.so\.\([0-9]*\).*/\1/p' "$libraries/cmake/Pirn/PirnConfig.cmake")

# As a program would be run before the libraries are where they shall be.
PATH=$stage$prefix/bin:$PATH
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
PKG_CONFIG_PATH=$pkgconfig
export PATH LD_LIBRARY_PATH PKG_CONFIG_PATH
mkdir "$scratch/bin" && printf '#!/bin/sh\nexec %s --define-prefix "$@"\n' "$(command -v pkg-config)" >"$scratch/bin/pkg-config" &&
    chmod +x "$scratch/bin/pkg-config"
PKG_CONFIG=$scratch/bin/pkg-config
PATH=$scratch/bin:$PATH
export PKG_CONFIG

run "the libraries' sonames" sonames
run_with "the sample project with make and pkg-config" with_pkg_config pkg-config
if test -f "$libraries/libpirn.a"; then
    run_with "a static program" with_pkg_config_statically pkg-config
else
    skip "a static program" "no static libraries were built"
fi
if test -n "$CXX"; then
    run_with "the sample project with CMake, and from C++" with_cmake cmake ctest
    run_with "the sample project with Meson, and from C++" with_meson meson ninja pkg-config
else
    skip "the sample project with CMake, and from C++" "no C++ compiler"
    skip "the sample project with Meson, and from C++" "no C++ compiler"
fi
run_with "CMake refuses another version" with_cmake_of_another_version cmake
run_with "the sample project with Autotools" with_autotools autoreconf pkg-config
run "make uninstall leaves nothing" uninstalls
done_testing
