/* openapi.h: the OpenAPI document of the server API, which the build writes into the program.
 *
 * Thread: any; it is constant.
 */
#ifndef CHATROOM_OPENAPI_H
#define CHATROOM_OPENAPI_H

#include <stoa/bytes.h>

extern const struct stoa_bytes openapi_document;

#endif
