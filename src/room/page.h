/* room/page.h: stored messages made readable for a program: decoded and stamped, in memory of their own.
 *
 * Thread: one of the server's. Lifetime: the messages live until stoa_room_page_free().
 */
#ifndef STOA_ROOM_PAGE_H
#define STOA_ROOM_PAGE_H

#include "room/rooms.h"

struct stoa_room_page_memory {
  struct stoa_room_worker *home;
  struct stoa_arena *arena; /* NULL: the page is empty */
};

/* Fill page->messages and page->count; messages that cannot be read are left out.
 *
 * home         of the calling thread
 * stored       borrowed as long as the page
 * is_reversed  the last one becomes the first
 * Errors: STOA_E_MEMORY  the page is unchanged; *out_memory needs no free */
int stoa_room_page_fill(struct stoa_room_worker *home, struct stoa_engine_message *const *stored, uint32_t count,
                        bool is_reversed, struct stoa_room_page *page, struct stoa_room_page_memory *out_memory);
void stoa_room_page_free(struct stoa_room_page_memory *memory);

#endif
