/* room/request.h: lists of what sessions of a worker have asked for, so that all can be closed at the end.
 *
 * Thread: the worker's. Lifetime: embedded in its owner; zeroed is in no list.
 */
#ifndef STOA_ROOM_REQUEST_H
#define STOA_ROOM_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

struct stoa_room_request {
  struct stoa_room_request *next, *previous;
  bool is_listed;
  /* The server ends: answer it. It was removed from its list. */
  void (*close)(struct stoa_room_request *request);
};

struct stoa_room_requests {
  struct stoa_room_request *first, *last;
};

/* At the end of the list. */
static inline void stoa_room_requests_add(struct stoa_room_requests *list, struct stoa_room_request *request) {
  request->is_listed = true;
  request->next = NULL;
  request->previous = list->last;
  if (list->last != NULL) {
    list->last->next = request;
  } else {
    list->first = request;
  }
  list->last = request;
}

/* Does nothing when it is in no list. */
static inline void stoa_room_requests_remove(struct stoa_room_requests *list, struct stoa_room_request *request) {
  if (!request->is_listed) {
    return;
  }
  request->is_listed = false;
  if (request->previous != NULL) {
    request->previous->next = request->next;
  } else {
    list->first = request->next;
  }
  if (request->next != NULL) {
    request->next->previous = request->previous;
  } else {
    list->last = request->previous;
  }
}

static inline void stoa_room_requests_close(struct stoa_room_requests *list) {
  while (list->first != NULL) {
    struct stoa_room_request *request = list->first;
    stoa_room_requests_remove(list, request);
    request->close(request);
  }
}

#endif
