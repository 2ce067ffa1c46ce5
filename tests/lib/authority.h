/* tests/lib/authority.h: a certificate authority of the test's own, and certificates that it has signed. */
#ifndef TESTS_LIB_AUTHORITY_H
#define TESTS_LIB_AUTHORITY_H

struct authority {
  char folder[64];
  char ca[96];          /* the authority's certificate */
  char other_ca[96];    /* of an authority that has signed nothing */
  char empty[96];       /* no certificate at all */
  char certificate[96]; /* for localhost and 127.0.0.1 */
  char stranger[96];    /* for stranger.example */
  char key[96];         /* of both */
};

/* Write the files into a new folder. */
void authority_make(struct authority *authority);
void authority_remove(const struct authority *authority);

#endif
