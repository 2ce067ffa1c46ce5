/* tests/simulation/events.h: eventfd(2) and epoll(7) on the objects of the simulated network. */
#ifndef TESTS_SIMULATION_EVENTS_H
#define TESTS_SIMULATION_EVENTS_H

#include "base/sys.h"
#include "object.h"

/* Put the calls into the table, but for write(2), which others need too. */
void events_install(struct stoa_sys *sys);
/* As write(2), to an eventfd or to a descriptor of the system. */
ssize_t events_write(int fd, const void *data, size_t len);
/* Would epoll_wait(2) report something? */
bool events_is_ready(int epoll_fd);
/* A closed descriptor leaves every epoll. */
void events_forget(const struct object *object);

#endif
