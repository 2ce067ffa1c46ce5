/* server/admin/reply.c: the common end of the pages for operators. */
#include "server/admin/pages.h"

void stoa_admin_reply(struct stoa_http_exchange *exchange, uint16_t status, const char *content_type,
                      const struct stoa_buffer *text) {
  static const struct stoa_http_field no_store = {"Cache-Control", STOA_STR("no-store")};
  const struct stoa_http_answer reply = {.status = status,
                                         .content_type = content_type,
                                         .fields = &no_store,
                                         .field_count = 1,
                                         .body = {text->data, text->len}};
  int ignored = stoa_http_reply(exchange, &reply);
  (void)ignored;
}
