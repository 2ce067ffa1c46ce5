/* tests/simulation/sockets.h: the system calls of TCP sockets, on the objects of the simulated network. */
#ifndef TESTS_SIMULATION_SOCKETS_H
#define TESTS_SIMULATION_SOCKETS_H

#include "base/sys.h"

/* Put them into the table; the first port that is given out is always the same. */
void sockets_install(struct stoa_sys *sys);
/* From which address connections are made from now on; NULL: from that of the server, as in the beginning. */
void sockets_connect_from(const char *address);

#endif
