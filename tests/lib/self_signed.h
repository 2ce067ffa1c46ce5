/* tests/lib/self_signed.h: a key and its self-signed certificate for localhost, 127.0.0.1 and *.wild.example, valid for
 * a day, in two PEM files. */
#ifndef TESTS_LIB_SELF_SIGNED_H
#define TESTS_LIB_SELF_SIGNED_H

struct self_signed {
  char certificate[64]; /* paths; only this user can read the files */
  char key[64];
};

/* `what` tells several of one process apart. Failures are those of the test. */
void self_signed_write(struct self_signed *files, const char *what);
void self_signed_remove(const struct self_signed *files);

#endif
