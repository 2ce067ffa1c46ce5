#include "loop/loop.h"

#include "base/memory.h"
#include "base/sys.h"
#include "base/units.h"
#include "loop/mailbox.h"
#include "loop/wheel.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#define EVENTS_PER_TURN 512
#define NEVER_NS UINT64_MAX
#define UNKNOWN_NS UINT64_MAX

struct stoa_loop {
  const struct stoa_clock *clock;
  int epoll_fd;
  struct stoa_io wake; /* an eventfd, raised by posts */
  uint64_t now_ms;
  uint64_t now_ns;
  struct stoa_mailbox mailbox;
  struct stoa_wheel wheel;
  struct stoa_timer *due; /* removed from the wheel, not run yet */
  struct stoa_deferred *deferred;
  struct stoa_deferred *gathered;
  bool has_own_posts; /* of its own turn, which raised nothing */
  bool again;         /* the last turn left work, or ran releases, which may have left some for the hook */
  bool coarse;        /* the kernel has no epoll_pwait2(2) */
  uint64_t wake_ns;   /* a turn is to begin then; NEVER_NS: no need */
  void (*turn_end)(void *context);
  void *turn_end_context;
  void (*on_times)(void *context, const struct stoa_loop_times *times); /* NULL: the clock is not read for it */
  void *times_context;
  struct stoa_loop_times times; /* of this turn */
  uint64_t last_turn_ns;
  uint64_t step_ns; /* when the last step ended */
  atomic_bool stopping;
  struct epoll_event events[EVENTS_PER_TURN];
};

/* The loop whose turn this thread runs; NULL: none. */
static _Thread_local struct stoa_loop *running;

static uint64_t clock_ns(const struct stoa_loop *loop) {
  return stoa_clock_monotonic_ns(loop->clock);
}

static void on_wake(struct stoa_io *io, uint32_t events) {
  (void)events;
  uint64_t count;
  /* The count is not used: every turn takes the posts. */
  ssize_t ignored = stoa_sys.read(io->fd, &count, sizeof count);
  (void)ignored;
}

static int open_wake(struct stoa_loop *loop) {
  loop->wake.fd = stoa_sys.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  loop->wake.events = EPOLLIN;
  loop->wake.on_ready = on_wake;
  return loop->wake.fd < 0 ? STOA_E_SYSTEM : stoa_loop_add(loop, &loop->wake);
}

int stoa_loop_create(const struct stoa_clock *clock, struct stoa_loop **out_loop) {
  struct stoa_loop *loop = stoa_calloc(1, sizeof *loop);
  if (loop == NULL) {
    return STOA_E_MEMORY;
  }
  loop->clock = clock;
  loop->wake.fd = -1;
  loop->wake_ns = NEVER_NS;
  loop->now_ns = clock_ns(loop);
  loop->now_ms = loop->now_ns / STOA_NS_PER_MS;
  stoa_wheel_init(&loop->wheel, loop->now_ms);
  loop->epoll_fd = stoa_sys.epoll_create1(EPOLL_CLOEXEC);
  int status = loop->epoll_fd < 0 ? STOA_E_SYSTEM : open_wake(loop);
  if (status != STOA_OK) {
    stoa_loop_destroy(loop);
    return status;
  }
  *out_loop = loop;
  return STOA_OK;
}

/* A step with something to do has ended. */
static void end_step(struct stoa_loop *loop, enum stoa_loop_step step) {
  if (loop->on_times != NULL) {
    uint64_t now_ns = clock_ns(loop);
    loop->times.steps_ns[step] = now_ns - loop->step_ns;
    loop->step_ns = now_ns;
  }
}

static void run_posts(struct stoa_loop *loop) {
  struct stoa_post *next;
  loop->has_own_posts = false;
  struct stoa_post *first = stoa_mailbox_take(&loop->mailbox);
  for (struct stoa_post *post = first; post != NULL; post = next) {
    next = post->next;
    post->run(post);
  }
  if (first != NULL) {
    end_step(loop, STOA_LOOP_POSTS);
  }
}

static void run_gathered(struct stoa_loop *loop) {
  while (loop->gathered != NULL) {
    struct stoa_deferred *gathered = loop->gathered;
    loop->gathered = gathered->next;
    gathered->run(gathered);
  }
}

static void run_deferred(struct stoa_loop *loop) {
  loop->again |= loop->deferred != NULL;
  while (loop->deferred != NULL) {
    struct stoa_deferred *deferred = loop->deferred;
    loop->deferred = deferred->next;
    deferred->run(deferred);
  }
}

void stoa_loop_destroy(struct stoa_loop *loop) {
  if (loop == NULL) {
    return;
  }
  run_posts(loop);
  run_gathered(loop);
  run_deferred(loop);
  if (loop->wake.fd >= 0) {
    stoa_sys.close(loop->wake.fd);
  }
  if (loop->epoll_fd >= 0) {
    stoa_sys.close(loop->epoll_fd);
  }
  stoa_free(loop);
}

void stoa_loop_on_turn_end(struct stoa_loop *loop, void (*hook)(void *context), void *context) {
  loop->turn_end = hook;
  loop->turn_end_context = context;
}

/* The wheel has rounded its time up to a tick. */
static void note_late(struct stoa_loop *loop, const struct stoa_timer *timer) {
  uint64_t due_ns = timer->due_ms * STOA_NS_PER_MS;
  uint64_t late_ns = loop->now_ns > due_ns ? loop->now_ns - due_ns : 0;
  loop->times.has_timers = true;
  if (late_ns > loop->times.late_ns) {
    loop->times.late_ns = late_ns;
  }
}

static void run_timers(struct stoa_loop *loop) {
  stoa_wheel_take_due(&loop->wheel, loop->now_ms, &loop->due);
  while (loop->due != NULL) {
    struct stoa_timer *timer = loop->due;
    stoa_wheel_remove(&loop->wheel, timer);
    note_late(loop, timer);
    timer->on_due(timer);
  }
  if (loop->times.has_timers) {
    end_step(loop, STOA_LOOP_TIMERS);
  }
}

void stoa_loop_on_times(struct stoa_loop *loop, void (*hook)(void *context, const struct stoa_loop_times *times),
                        void *context) {
  loop->on_times = hook;
  loop->times_context = context;
}

static void tell_times(struct stoa_loop *loop) {
  if (loop->on_times != NULL) {
    end_step(loop, STOA_LOOP_END);
    loop->times.turn_ns = loop->step_ns - loop->now_ns;
    loop->last_turn_ns = loop->times.turn_ns;
    loop->on_times(loop->times_context, &loop->times);
  }
}

uint64_t stoa_loop_last_turn_ns(const struct stoa_loop *loop) {
  return loop->last_turn_ns;
}

int stoa_loop_fd(const struct stoa_loop *loop) {
  return loop->epoll_fd;
}

void stoa_loop_again(struct stoa_loop *loop) {
  loop->again = true;
}

void stoa_loop_wake_at(struct stoa_loop *loop, uint64_t due_ns) {
  if (due_ns < loop->wake_ns) {
    loop->wake_ns = due_ns;
  }
}

static uint64_t timers_due_ns(const struct stoa_loop *loop) {
  uint64_t due_ns;
  return __builtin_mul_overflow(stoa_wheel_due_ms(&loop->wheel), STOA_NS_PER_MS, &due_ns) ? NEVER_NS : due_ns;
}

uint64_t stoa_loop_due_ns(const struct stoa_loop *loop) {
  if (loop->again || loop->has_own_posts || loop->gathered != NULL) {
    return 0;
  }
  uint64_t due_ns = timers_due_ns(loop);
  return loop->wake_ns < due_ns ? loop->wake_ns : due_ns;
}

/* How long a turn may wait; NEVER_NS: without limit. known_ns: the time, UNKNOWN_NS: read it. */
static uint64_t wait_ns(const struct stoa_loop *loop, uint64_t known_ns) {
  uint64_t due_ns = stoa_loop_due_ns(loop);
  if (due_ns == 0 || due_ns == NEVER_NS) {
    return due_ns;
  }
  uint64_t now_ns = known_ns == UNKNOWN_NS ? clock_ns(loop) : known_ns;
  return due_ns <= now_ns ? 0 : due_ns - now_ns;
}

/* Rounded up: a turn that is too early would find nothing to do and wait again. */
static int whole_ms(uint64_t ns) {
  if (ns == NEVER_NS) {
    return -1;
  }
  uint64_t ms = ns / STOA_NS_PER_MS + (ns % STOA_NS_PER_MS != 0);
  return ms > INT_MAX ? INT_MAX : (int)ms;
}

int stoa_loop_wait_ms(const struct stoa_loop *loop) {
  return whole_ms(wait_ns(loop, UNKNOWN_NS));
}

/* Errors: STOA_E_UNSUPPORTED  the kernel is older than Linux 5.11, or a filter of system calls refuses the call */
static int wait_finely(struct stoa_loop *loop, uint64_t ns, int *out_count) {
  const struct timespec timeout = {(time_t)(ns / STOA_NS_PER_S), (long)(ns % STOA_NS_PER_S)};
  int count = stoa_sys.epoll_pwait2(loop->epoll_fd, loop->events, EVENTS_PER_TURN, &timeout, NULL);
  if (count < 0 && (errno == ENOSYS || errno == EPERM)) {
    return STOA_E_UNSUPPORTED;
  }
  *out_count = count;
  return STOA_OK;
}

static int wait_for_events(struct stoa_loop *loop, int wait_ms, uint64_t known_ns) {
  uint64_t ns = wait_ns(loop, known_ns);
  bool is_fine = loop->wake_ns != NEVER_NS && !loop->coarse;
  if (wait_ms >= 0 && (uint64_t)wait_ms * STOA_NS_PER_MS <= ns) {
    ns = (uint64_t)wait_ms * STOA_NS_PER_MS;
    is_fine = false;
  }
  int count;
  loop->coarse |= is_fine && wait_finely(loop, ns, &count) != STOA_OK;
  if (!is_fine || loop->coarse) {
    count = stoa_sys.epoll_wait(loop->epoll_fd, loop->events, EVENTS_PER_TURN, whole_ms(ns));
  }
  /* EINTR is a turn without events; nothing else can happen to a valid descriptor. */
  return count < 0 ? 0 : count;
}

static void begin_turn(struct stoa_loop *loop) {
  uint64_t now_ns = clock_ns(loop);
  loop->now_ns = now_ns;
  loop->now_ms = now_ns / STOA_NS_PER_MS;
  loop->again = false;
  loop->step_ns = now_ns;
  loop->times = (struct stoa_loop_times){0};
  if (loop->wake_ns <= now_ns) {
    loop->wake_ns = NEVER_NS;
  }
}

static void take_turn(struct stoa_loop *loop, int wait_ms, uint64_t known_ns) {
  int count = wait_for_events(loop, wait_ms, known_ns);
  struct stoa_loop *outer = running;
  running = loop;
  begin_turn(loop);
  for (int i = 0; i < count; i++) {
    struct stoa_io *io = loop->events[i].data.ptr;
    if (io->fd >= 0) {
      io->on_ready(io, loop->events[i].events);
    }
  }
  if (count > 0) {
    end_step(loop, STOA_LOOP_EVENTS);
  }
  /* After the descriptors: a post that arrives after the eventfd was read is either taken here or raises it again. */
  run_posts(loop);
  run_timers(loop);
  run_gathered(loop);
  if (loop->turn_end != NULL) {
    loop->turn_end(loop->turn_end_context);
  }
  run_deferred(loop);
  running = outer;
  tell_times(loop);
}

void stoa_loop_turn(struct stoa_loop *loop, int wait_ms) {
  take_turn(loop, wait_ms, UNKNOWN_NS);
}

/* Turns follow each other, so the end of one is the time at which the next one begins to wait. */
void stoa_loop_run(struct stoa_loop *loop) {
  uint64_t known_ns = UNKNOWN_NS;
  while (!stoa_loop_stopped(loop)) {
    take_turn(loop, -1, known_ns);
    known_ns = loop->on_times == NULL ? UNKNOWN_NS : loop->step_ns;
  }
}

bool stoa_loop_stopped(const struct stoa_loop *loop) {
  return atomic_load_explicit(&loop->stopping, memory_order_acquire);
}

static void wake(struct stoa_loop *loop) {
  const uint64_t one = 1;
  /* Fails only when the counter is at its maximum, and then the loop is awake. */
  ssize_t ignored = stoa_sys.write(loop->wake.fd, &one, sizeof one);
  (void)ignored;
}

void stoa_loop_stop(struct stoa_loop *loop) {
  atomic_store_explicit(&loop->stopping, true, memory_order_release);
  wake(loop);
}

uint64_t stoa_loop_now_ms(const struct stoa_loop *loop) {
  return loop->now_ms;
}

uint64_t stoa_loop_now_ns(const struct stoa_loop *loop) {
  return loop->now_ns;
}

const struct stoa_clock *stoa_loop_clock(const struct stoa_loop *loop) {
  return loop->clock;
}

static int control(struct stoa_loop *loop, int operation, struct stoa_io *io, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = io};
  if (stoa_sys.epoll_ctl(loop->epoll_fd, operation, io->fd, &event) == 0) {
    return STOA_OK;
  }
  return errno == ENOMEM ? STOA_E_MEMORY : STOA_E_SYSTEM;
}

int stoa_loop_add(struct stoa_loop *loop, struct stoa_io *io) {
  assert(io->fd >= 0);
  assert(io->on_ready != NULL);
  return control(loop, EPOLL_CTL_ADD, io, io->events);
}

int stoa_loop_modify(struct stoa_loop *loop, struct stoa_io *io, uint32_t events) {
  if (events == io->events) {
    return STOA_OK;
  }
  int status = control(loop, EPOLL_CTL_MOD, io, events);
  if (status == STOA_OK) {
    io->events = events;
  }
  return status;
}

void stoa_loop_remove(struct stoa_loop *loop, struct stoa_io *io) {
  if (io->fd < 0) {
    return;
  }
  int ignored = control(loop, EPOLL_CTL_DEL, io, 0);
  (void)ignored;
  io->fd = -1;
}

void stoa_loop_timer_start(struct stoa_loop *loop, struct stoa_timer *timer, uint64_t delay_ms) {
  stoa_loop_timer_stop(loop, timer);
  if (__builtin_add_overflow(loop->now_ms, delay_ms, &timer->due_ms)) {
    timer->due_ms = UINT64_MAX;
  }
  stoa_wheel_insert(&loop->wheel, timer);
}

void stoa_loop_timer_stop(struct stoa_loop *loop, struct stoa_timer *timer) {
  if (timer->link != NULL) {
    stoa_wheel_remove(&loop->wheel, timer);
  }
}

void stoa_loop_post(struct stoa_loop *loop, struct stoa_post *post) {
  if (!stoa_mailbox_put(&loop->mailbox, post)) {
    return;
  }
  if (running == loop) {
    loop->has_own_posts = true;
  } else {
    wake(loop);
  }
}

void stoa_loop_defer(struct stoa_loop *loop, struct stoa_deferred *deferred) {
  deferred->next = loop->deferred;
  loop->deferred = deferred;
}

void stoa_loop_hand_over(struct stoa_loop *loop, struct stoa_deferred *deferred) {
  deferred->next = loop->gathered;
  loop->gathered = deferred;
}

bool stoa_loop_is_turning(const struct stoa_loop *loop) {
  return running == loop;
}
