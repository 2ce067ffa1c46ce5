#include "vfs.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 16
#define NAME_LEN_MAX 127
#define SECTOR 512
#define REGIONS_MAX 64

struct image {
  uint8_t *data;
  int64_t len, cap;
};

/* One write, or a change of length (data is NULL). */
struct change {
  struct change *next;
  int64_t at, len;
  uint8_t data[];
};

struct shm {
  void *regions[REGIONS_MAX];
  int region_count;
  int users;
  int shared[SQLITE_SHM_NLOCK];
  void *exclusive[SQLITE_SHM_NLOCK];
};

struct file {
  char name[NAME_LEN_MAX + 1];
  bool exists;
  struct image seen, stored;
  struct change *first, *last; /* not synced */
  int shared;
  void *reserved, *exclusive;
  struct shm shm;
};

/* One opened file. */
struct handle {
  sqlite3_file base;
  struct file *file;
  int lock;
  bool uses_shm;
  uint32_t shm_shared; /* bits of the locks that it shares */
};

static struct {
  struct file files[FILES_MAX];
  uint64_t state;
  bool is_dead;
  enum vfs_fault fault;
  uint32_t fault_in, fault_count;
  uint32_t faults[VFS_DIES + 1], syncs;
  int64_t now_ms;
} disk;

uint32_t vfs_random(uint32_t below) {
  disk.state = disk.state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  uint64_t mixed = disk.state ^ (disk.state >> 29);
  mixed *= UINT64_C(0xbf58476d1ce4e5b9);
  return (uint32_t)((mixed >> 32) % below);
}

/* Images. */

static void set_len(struct image *image, int64_t len) {
  if (len > image->cap) {
    image->cap = len * 2 + 4096;
    image->data = realloc(image->data, (size_t)image->cap);
    if (image->data == NULL) {
      abort();
    }
  }
  if (len > image->len) {
    memset(image->data + image->len, 0, (size_t)(len - image->len));
  }
  image->len = len;
}

static void put(struct image *image, int64_t at, const uint8_t *data, int64_t len) {
  if (at + len > image->len) {
    set_len(image, at + len);
  }
  memcpy(image->data + at, data, (size_t)len);
}

static void copy_image(struct image *to, const struct image *from) {
  set_len(to, 0);
  if (from->len > 0) {
    put(to, 0, from->data, from->len);
  }
}

static void remember(struct file *file, int64_t at, const uint8_t *data, int64_t len) {
  struct change *change = malloc(sizeof *change + (data == NULL ? 0 : (size_t)len));
  if (change == NULL) {
    abort();
  }
  *change = (struct change){.at = data == NULL ? -1 : at, .len = len};
  if (data != NULL) {
    memcpy(change->data, data, (size_t)len);
  }
  *(file->last != NULL ? &file->last->next : &file->first) = change;
  file->last = change;
}

/* The changes end: stored whole, in any part, or not at all. */
enum fate { STORED, TORN, LOST };

static void tear(struct image *image, const struct change *change) {
  for (int64_t at = 0; at < change->len; at += SECTOR) {
    int64_t len = change->len - at < SECTOR ? change->len - at : SECTOR;
    if (vfs_random(2) == 0) {
      put(image, change->at + at, change->data + at, len);
    }
  }
}

static void apply(struct image *image, const struct change *change, enum fate fate) {
  bool is_kept = fate == STORED || (fate == TORN && vfs_random(2) == 0);
  if (change->at < 0) {
    if (is_kept) {
      set_len(image, change->len);
    }
  } else if (is_kept) {
    put(image, change->at, change->data, change->len);
  } else if (fate == TORN) {
    tear(image, change);
  }
}

static void end_changes(struct file *file, enum fate fate) {
  struct change *change = file->first;
  while (change != NULL) {
    struct change *next = change->next;
    apply(&file->stored, change, fate);
    free(change);
    change = next;
  }
  file->first = NULL;
  file->last = NULL;
}

/* Faults. */

void vfs_fail(enum vfs_fault fault, uint32_t n, uint32_t count) {
  disk.fault = fault;
  disk.fault_in = n;
  disk.fault_count = count;
}

static bool is_hit(bool is_sync) {
  bool concerns = disk.fault == VFS_DIES || is_sync == (disk.fault == VFS_SYNC_FAILS);
  if (disk.fault_in == 0 || !concerns || --disk.fault_in > 0) {
    return false;
  }
  disk.faults[disk.fault]++;
  disk.is_dead = disk.fault == VFS_DIES;
  disk.fault_count--;
  disk.fault_in = disk.fault_count > 0 ? 1 : 0;
  return true;
}

bool vfs_is_dead(void) {
  return disk.is_dead;
}

uint32_t vfs_faults(void) {
  uint32_t sum = 0;
  for (int i = 0; i <= VFS_DIES; i++) {
    sum += disk.faults[i];
  }
  return sum;
}

void vfs_count(unsigned *out_full, unsigned *out_writes, unsigned *out_syncs, unsigned *out_deaths) {
  *out_full = disk.faults[VFS_FULL];
  *out_writes = disk.faults[VFS_WRITE_FAILS];
  *out_syncs = disk.faults[VFS_SYNC_FAILS];
  *out_deaths = disk.faults[VFS_DIES];
}

uint32_t vfs_syncs(void) {
  return disk.syncs;
}

/* Files. */

static struct handle *handle_of(sqlite3_file *base) {
  return (struct handle *)(void *)base;
}

static int read_file(sqlite3_file *base, void *data, int len, sqlite3_int64 at) {
  const struct image *image = &handle_of(base)->file->seen;
  if (disk.is_dead) {
    return SQLITE_IOERR_READ;
  }
  int64_t there = at >= image->len ? 0 : image->len - at < len ? image->len - at : len;
  if (there > 0) {
    memcpy(data, image->data + at, (size_t)there);
  }
  memset((uint8_t *)data + there, 0, (size_t)(len - there));
  return there == len ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int write_file(sqlite3_file *base, const void *data, int len, sqlite3_int64 at) {
  struct file *file = handle_of(base)->file;
  if (disk.is_dead) {
    return SQLITE_IOERR_WRITE;
  }
  bool fails = is_hit(false);
  int64_t written = fails ? (int64_t)vfs_random((uint32_t)len) : len;
  if (written > 0) {
    put(&file->seen, at, data, written);
    remember(file, at, data, written);
  }
  return !fails ? SQLITE_OK : disk.fault == VFS_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int truncate_file(sqlite3_file *base, sqlite3_int64 len) {
  struct file *file = handle_of(base)->file;
  if (disk.is_dead) {
    return SQLITE_IOERR_TRUNCATE;
  }
  if (len < file->seen.len) {
    set_len(&file->seen, len);
    remember(file, -1, NULL, len);
  }
  return SQLITE_OK;
}

static int sync_file(sqlite3_file *base, int flags) {
  struct file *file = handle_of(base)->file;
  (void)flags;
  if (disk.is_dead) {
    return SQLITE_IOERR_FSYNC;
  }
  disk.syncs++;
  bool fails = is_hit(true);
  if (!disk.is_dead) { /* a process that dies here has begun a sync of which nothing is known */
    end_changes(file, fails ? LOST : STORED);
  }
  return fails ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *out_len) {
  *out_len = handle_of(base)->file->seen.len;
  return disk.is_dead ? SQLITE_IOERR_FSTAT : SQLITE_OK;
}

/* Locks. */

static int unlock_file(sqlite3_file *base, int level) {
  struct handle *handle = handle_of(base);
  struct file *file = handle->file;
  if (level < SQLITE_LOCK_RESERVED && file->reserved == handle) {
    file->reserved = NULL;
  }
  if (level < SQLITE_LOCK_EXCLUSIVE && file->exclusive == handle) {
    file->exclusive = NULL;
  }
  if (level == SQLITE_LOCK_NONE && handle->lock > SQLITE_LOCK_NONE) {
    file->shared--;
  }
  handle->lock = level < handle->lock ? level : handle->lock;
  return SQLITE_OK;
}

static int lock_file(sqlite3_file *base, int level) {
  struct handle *handle = handle_of(base);
  struct file *file = handle->file;
  if (disk.is_dead) {
    return SQLITE_IOERR_LOCK;
  }
  if (handle->lock >= level) {
    return SQLITE_OK;
  }
  bool is_taken = (file->exclusive != NULL && file->exclusive != handle) ||
                  (level >= SQLITE_LOCK_RESERVED && file->reserved != NULL && file->reserved != handle) ||
                  (level == SQLITE_LOCK_EXCLUSIVE && file->shared > (handle->lock > SQLITE_LOCK_NONE ? 1 : 0));
  if (is_taken) {
    return SQLITE_BUSY;
  }
  file->shared += handle->lock == SQLITE_LOCK_NONE ? 1 : 0;
  file->reserved = level >= SQLITE_LOCK_RESERVED ? (void *)handle : file->reserved;
  file->exclusive = level == SQLITE_LOCK_EXCLUSIVE ? (void *)handle : file->exclusive;
  handle->lock = level;
  return SQLITE_OK;
}

static int check_lock(sqlite3_file *base, int *out_is_reserved) {
  *out_is_reserved = handle_of(base)->file->reserved != NULL;
  return SQLITE_OK;
}

static int control_file(sqlite3_file *base, int operation, void *argument) {
  (void)base;
  (void)operation;
  (void)argument;
  return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *base) {
  (void)base;
  return SECTOR;
}

static int characteristics(sqlite3_file *base) {
  (void)base;
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* Shared memory. */

static int map_shm(sqlite3_file *base, int region, int size, int extends, void volatile **out_memory) {
  struct handle *handle = handle_of(base);
  struct shm *shm = &handle->file->shm;
  *out_memory = NULL;
  if (disk.is_dead || region >= REGIONS_MAX) {
    return SQLITE_IOERR_SHMMAP;
  }
  shm->users += handle->uses_shm ? 0 : 1;
  handle->uses_shm = true;
  while (region >= shm->region_count && extends != 0) {
    shm->regions[shm->region_count++] = calloc(1, (size_t)size);
  }
  *out_memory = region < shm->region_count ? shm->regions[region] : NULL;
  return SQLITE_OK;
}

static bool is_shm_free(const struct handle *handle, int at, bool is_exclusive) {
  const struct shm *shm = &handle->file->shm;
  int own = (int)(handle->shm_shared >> at & 1);
  return (shm->exclusive[at] == NULL || shm->exclusive[at] == handle) && (!is_exclusive || shm->shared[at] == own);
}

static void change_shm(struct handle *handle, int at, int flags) {
  struct shm *shm = &handle->file->shm;
  bool shares = (handle->shm_shared >> at & 1) != 0;
  if ((flags & SQLITE_SHM_EXCLUSIVE) != 0) {
    shm->exclusive[at] = (flags & SQLITE_SHM_LOCK) != 0               ? (void *)handle
                         : shm->exclusive[at] == (const void *)handle ? NULL
                                                                      : shm->exclusive[at];
  } else if ((flags & SQLITE_SHM_LOCK) != 0) {
    shm->shared[at] += shares ? 0 : 1;
    handle->shm_shared |= 1u << at;
  } else {
    shm->shared[at] -= shares ? 1 : 0;
    handle->shm_shared &= ~(1u << at);
  }
}

static int lock_shm(sqlite3_file *base, int offset, int count, int flags) {
  struct handle *handle = handle_of(base);
  bool is_lock = (flags & SQLITE_SHM_LOCK) != 0;
  if (disk.is_dead && is_lock) {
    return SQLITE_IOERR_SHMLOCK;
  }
  for (int at = offset; at < offset + count && is_lock; at++) {
    if (!is_shm_free(handle, at, (flags & SQLITE_SHM_EXCLUSIVE) != 0)) {
      return SQLITE_BUSY;
    }
  }
  for (int at = offset; at < offset + count; at++) {
    change_shm(handle, at, flags);
  }
  return SQLITE_OK;
}

static void barrier_shm(sqlite3_file *base) {
  (void)base;
}

static void drop_shm(struct shm *shm) {
  for (int i = 0; i < shm->region_count; i++) {
    free(shm->regions[i]);
  }
  memset(shm, 0, sizeof *shm);
}

static int unmap_shm(sqlite3_file *base, int deletes) {
  struct handle *handle = handle_of(base);
  struct shm *shm = &handle->file->shm;
  (void)deletes;
  if (!handle->uses_shm) {
    return SQLITE_OK;
  }
  for (int at = 0; at < SQLITE_SHM_NLOCK; at++) {
    change_shm(handle, at, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
    change_shm(handle, at, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
  }
  handle->uses_shm = false;
  shm->users--;
  if (shm->users == 0) {
    drop_shm(shm);
  }
  return SQLITE_OK;
}

static int close_file(sqlite3_file *base) {
  unmap_shm(base, 0);
  unlock_file(base, SQLITE_LOCK_NONE);
  return SQLITE_OK;
}

/* The VFS. */

static struct file *find_file(const char *name, bool makes) {
  struct file *unused = NULL;
  for (int i = 0; i < FILES_MAX; i++) {
    struct file *file = &disk.files[i];
    if (file->exists && strcmp(file->name, name) == 0) {
      return file;
    }
    unused = !file->exists && unused == NULL ? file : unused;
  }
  if (!makes || unused == NULL || strlen(name) > NAME_LEN_MAX) {
    return NULL;
  }
  strncpy(unused->name, name, NAME_LEN_MAX);
  unused->exists = true;
  return unused;
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags, int *out_flags) {
  static const sqlite3_io_methods methods = {
      2,         close_file,  read_file,  write_file,   truncate_file, sync_file,       file_size,
      lock_file, unlock_file, check_lock, control_file, sector_size,   characteristics, map_shm,
      lock_shm,  barrier_shm, unmap_shm,  NULL,         NULL};
  struct handle *handle = handle_of(base);
  (void)vfs;
  memset(handle, 0, sizeof *handle);
  handle->file = disk.is_dead || name == NULL ? NULL : find_file(name, (flags & SQLITE_OPEN_CREATE) != 0);
  if (handle->file == NULL) {
    return SQLITE_CANTOPEN;
  }
  handle->base.pMethods = &methods;
  if (out_flags != NULL) {
    *out_flags = flags;
  }
  return SQLITE_OK;
}

static void empty_file(struct file *file) {
  end_changes(file, LOST);
  drop_shm(&file->shm);
  free(file->seen.data);
  free(file->stored.data);
  memset(file, 0, sizeof *file);
}

static int delete_file(sqlite3_vfs *vfs, const char *name, int syncs) {
  struct file *file = find_file(name, false);
  (void)vfs;
  (void)syncs;
  if (disk.is_dead || file == NULL) {
    return disk.is_dead ? SQLITE_IOERR_DELETE : SQLITE_IOERR_DELETE_NOENT;
  }
  empty_file(file);
  return SQLITE_OK;
}

/* An empty journal file is none: SQLite asks so for the WAL too. */
static int access_file(sqlite3_vfs *vfs, const char *name, int flags, int *out_result) {
  const struct file *file = find_file(name, false);
  (void)vfs;
  *out_result = file != NULL && (flags != SQLITE_ACCESS_EXISTS || file->seen.len > 0);
  return disk.is_dead ? SQLITE_IOERR_ACCESS : SQLITE_OK;
}

static int full_name(sqlite3_vfs *vfs, const char *name, int size, char *out_name) {
  (void)vfs;
  sqlite3_snprintf(size, out_name, "%s", name);
  return SQLITE_OK;
}

static int randomness(sqlite3_vfs *vfs, int len, char *out_bytes) {
  (void)vfs;
  for (int i = 0; i < len; i++) {
    out_bytes[i] = (char)vfs_random(256);
  }
  return len;
}

static int sleep_for(sqlite3_vfs *vfs, int us) {
  (void)vfs;
  disk.now_ms += us / 1000 + 1;
  return us;
}

static int current_time(sqlite3_vfs *vfs, double *out_days) {
  (void)vfs;
  *out_days = 2460000.5 + (double)disk.now_ms / 86400000.0;
  return SQLITE_OK;
}

static int last_error(sqlite3_vfs *vfs, int size, char *out_text) {
  (void)vfs;
  (void)size;
  (void)out_text;
  return 0;
}

static sqlite3_vfs the_vfs = {.iVersion = 1,
                              .szOsFile = sizeof(struct handle),
                              .mxPathname = NAME_LEN_MAX,
                              .zName = VFS_NAME,
                              .xOpen = open_file,
                              .xDelete = delete_file,
                              .xAccess = access_file,
                              .xFullPathname = full_name,
                              .xRandomness = randomness,
                              .xSleep = sleep_for,
                              .xCurrentTime = current_time,
                              .xGetLastError = last_error};

void vfs_begin(uint64_t seed) {
  vfs_end();
  sqlite3_vfs_register(&the_vfs, 0);
  sqlite3_randomness(0, NULL);
  disk.state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

void vfs_end(void) {
  for (int i = 0; i < FILES_MAX; i++) {
    empty_file(&disk.files[i]);
  }
  memset(&disk, 0, sizeof disk);
}

void vfs_kill(void) {
  disk.is_dead = true;
}

void vfs_restart(bool is_power_cut) {
  disk.is_dead = false;
  disk.fault_in = 0;
  for (int i = 0; i < FILES_MAX && is_power_cut; i++) {
    struct file *file = &disk.files[i];
    if (file->exists) {
      end_changes(file, TORN);
      copy_image(&file->seen, &file->stored);
    }
  }
}
