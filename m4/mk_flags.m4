# SPDX-License-Identifier: LGPL-2.1-or-later

# MK_TRY_CFLAGS(FLAGS): appends each of FLAGS to MK_CFLAGS if the compiler takes it without a warning.
AC_DEFUN([MK_TRY_CFLAGS], [
  for mk_flag in $1; do
    AC_MSG_CHECKING([whether $CC accepts $mk_flag])
    mk_saved_cflags=$CFLAGS
    CFLAGS="$CFLAGS -Werror $mk_flag"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
      [AC_MSG_RESULT([yes]); MK_CFLAGS="$MK_CFLAGS $mk_flag"],
      [AC_MSG_RESULT([no])])
    CFLAGS=$mk_saved_cflags
  done
])

# MK_TRY_LDFLAGS(FLAGS): the same for the linker and MK_LDFLAGS.
AC_DEFUN([MK_TRY_LDFLAGS], [
  for mk_flag in $1; do
    AC_MSG_CHECKING([whether the linker accepts $mk_flag])
    mk_saved_ldflags=$LDFLAGS
    LDFLAGS="$LDFLAGS $mk_flag"
    AC_LINK_IFELSE([AC_LANG_PROGRAM()],
      [AC_MSG_RESULT([yes]); MK_LDFLAGS="$MK_LDFLAGS $mk_flag"],
      [AC_MSG_RESULT([no])])
    LDFLAGS=$mk_saved_ldflags
  done
])
