# SPDX-License-Identifier: LGPL-2.1-or-later

# MK_WITH_DIR(NAME, PC-FILE, FALLBACK, WHAT)
# AC_SUBSTs NAME: the value of --with-NAME=DIR, else of PC-FILE's variable NAME, else FALLBACK.
AC_DEFUN([MK_WITH_DIR], [
  AC_ARG_WITH([$1],
    [AS_HELP_STRING([--with-$1=DIR], [where $4 go (default: what pkg-config says of $2)])],
    [AS_VAR_SET([$1], [$withval])],
    [PKG_CHECK_VAR([$1], [$2], [$1], [], [AS_VAR_SET([$1], [$3])])])
  AC_SUBST([$1])
])
