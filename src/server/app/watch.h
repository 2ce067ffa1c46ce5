/* server/app/watch.h: have files of the configuration changed? Events of their folders say when to look (inotify), and
 * the files' identities, sizes and times say what is really other: editors and Kubernetes replace files by renaming
 * files or symbolic links, and other files of the same folder change too.
 *
 * A change is told when nothing has happened for STOA_WATCH_QUIET_MS, so that a file is not read while it is being
 * written, and after STOA_WATCH_LATEST_MS at the latest.
 *
 * Does not know: what is in the files.
 * Thread: one. Lifetime: nothing that is given is kept.
 */
#ifndef STOA_SERVER_APP_WATCH_H
#define STOA_SERVER_APP_WATCH_H

#include "server/app/load.h"
#include "server/config/folder.h"

#define STOA_WATCH_QUIET_MS 500u
#define STOA_WATCH_LATEST_MS 5000u
/* Files and folders that are looked at; more are left out. */
#define STOA_WATCH_PATHS_MAX 512u

struct stoa_watch {
  int fd;            /* readable when something has happened; -1: closed */
  uint64_t first_ns; /* the oldest event that was not looked into; 0: there is none */
  uint64_t last_ns;  /* the newest */
  uint64_t print;    /* of all files, when they were looked at last */
};

/* When the files were read, by the wall clock, and the time now, by the monotonic one. */
struct stoa_watch_start {
  int64_t read_us;
  uint64_t now_ns;
};

/* Watch the files and folders of the command line, and the certificates and keys that a configuration names. One that
 * has changed since they were read counts as an event.
 *
 * Errors: STOA_E_SYSTEM  there is no descriptor, or no file can be watched */
int stoa_watch_open(struct stoa_watch *out_watch, const struct stoa_app_loader *loader,
                    const struct stoa_server_config *config, const struct stoa_watch_start *start);
/* A closed one is fine. */
void stoa_watch_close(struct stoa_watch *watch);

/* Take the events, when fd is readable. */
void stoa_watch_read(struct stoa_watch *watch, uint64_t now_ns);
/* How long to wait for the next look; -1: until fd is readable. */
int stoa_watch_wait_ms(const struct stoa_watch *watch, uint64_t now_ns);
/* True, once: it is time to look, and a file is other than before. */
bool stoa_watch_take(struct stoa_watch *watch, uint64_t now_ns, const struct stoa_app_loader *loader,
                     const struct stoa_server_config *config);

#endif
