/* token/members.h: reads a JSON object member by member; each name may occur once (RFC 7515 4, RFC 7519 4). */
#ifndef STOA_TOKEN_MEMBERS_H
#define STOA_TOKEN_MEMBERS_H

#include "codec/json_read.h"

/* Reads one member's value at `at`. Returns like the functions of codec/json_read.h. */
typedef const uint8_t *stoa_token_member_reader(struct stoa_json_reader *reader, void *context, struct stoa_string name,
                                                const uint8_t *at);

/* Read the whole text, which must be one object.
 *
 * Errors: STOA_E_SYNTAX  not an object, or a name occurs twice; STOA_E_UTF8
 *         STOA_E_TYPE    as set by `read_value`
 *         STOA_E_LIMIT   more than STOA_TOKEN_MEMBERS_MAX members, nested too deeply, or the arena's cap
 *         STOA_E_MEMORY
 */
int stoa_token_members_read(struct stoa_string json, struct stoa_arena *arena, stoa_token_member_reader *read_value,
                            void *context);

#endif
