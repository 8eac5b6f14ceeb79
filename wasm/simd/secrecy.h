/* Decisions of constant-time code that may be known although they come from secrets. test/kernels/constant-time has valgrind accept them. */
#ifndef SECRECY_H
#define SECRECY_H

#ifdef KERNELS_UNDER_VALGRIND
#include <valgrind/memcheck.h>
#endif

static inline int may_be_known(int decision) {
#ifdef KERNELS_UNDER_VALGRIND
  VALGRIND_MAKE_MEM_DEFINED(&decision, sizeof decision);
#endif
  return decision;
}

#endif
