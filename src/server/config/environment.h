/* server/config/environment.h: which environment variable sets which key.
 *
 * A variable's name is the key's path in upper case, its parts joined by an underscore: server.limits.rate is
 * STOA_SERVER_LIMITS_RATE. The sections `server` and `log`, which every program has, start with STOA_; a program's own
 * keys start with its name: chatroom's rooms_max is CHATROOM_ROOMS_MAX. Sections have variables too. Keys inside lists
 * and maps have none, nor those of a message inside itself.
 *
 * Does not know: what values mean. Thread: any.
 */
#ifndef STOA_SERVER_CONFIG_ENVIRONMENT_H
#define STOA_SERVER_CONFIG_ENVIRONMENT_H

#include <stoa/arena.h>
#include <stoa/descriptor.h>

/* A key that can be set, in the order of the tables; a section stands before its keys. */
struct stoa_config_variable {
  struct stoa_string name; /* STOA_SERVER_PATH; followed by a NUL */
  struct stoa_string path; /* server.path; followed by a NUL */
  struct stoa_config_variable *next;
};

/* The variables of a type's keys, in the arena. `program` is the name that its own keys' variables start with; a byte
 * that is no letter or digit becomes an underscore.
 * Errors: STOA_E_MEMORY */
int stoa_config_variables_of(const struct stoa_message_type *type, struct stoa_string program, struct stoa_arena *arena,
                             struct stoa_config_variable **out_first);

/* Is the variable of that name a mistake: does it start with STOA_ and set no key, or start with the program's name and
 * be much like the variable of a key? Others may belong to somebody else. STOA_TEST_ is left to tests.
 *
 * out_nearest  the variable that was probably meant, or NULL */
bool stoa_config_variable_is_unknown(const struct stoa_config_variable *first, struct stoa_string program,
                                     struct stoa_string name, const struct stoa_config_variable **out_nearest);

#endif
