# pirn.m4 - for configure.ac of projects that use Pirn.                          serial 1
#
#   PIRN_CHECK([MINIMUM-VERSION], [ACTION-IF-FOUND], [ACTION-IF-NOT-FOUND])
#
# Looks for libpirn and the headers, by pkg-config. Sets and substitutes
#
#   PIRN_CFLAGS, PIRN_LIBS             to build with the threaded runtime
#   PIRN_SIM_CFLAGS, PIRN_SIM_LIBS     to build tests with the simulator
#   PIRN                               the pirn command; empty where there is none
#
# Without ACTION-IF-NOT-FOUND configure stops where libpirn is missing or too old.

AC_DEFUN([PIRN_CHECK],
[AC_REQUIRE([PKG_PROG_PKG_CONFIG])dnl
AC_PATH_PROG([PIRN], [pirn])
PKG_CHECK_MODULES([PIRN_SIM], [pirn-sim]m4_ifval([$1], [[ >= $1]]), [:], [:])
PKG_CHECK_MODULES([PIRN], [pirn]m4_ifval([$1], [[ >= $1]]), [$2],
  [m4_default([$3], [AC_MSG_ERROR([libpirn m4_ifval([$1], [$1 or newer ])is needed (Debian: libpirn-dev)])])])
])
