/* What the tests of `stoa chat` include before cmocka. */
#ifndef TERMINAL_TEST_H
#define TERMINAL_TEST_H

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static inline int use_utf8(void **state) {
  (void)state;
  return setlocale(LC_CTYPE, "C.UTF-8") == NULL ? -1 : 0;
}

#endif
