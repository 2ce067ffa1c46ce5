#include "chat/commands.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "chat/text.h"

struct command {
  const char *name;
  const char *argument; /* NULL: none; in brackets: may be left out */
  const char *about;
  bool (*run)(const struct chat_command_context *context, const char *argument);
};

__attribute__((format(printf, 2, 3))) static void print(const struct chat_command_context *context, const char *format,
                                                        ...) {
  char text[512];
  struct stoa_buffer clean;
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  stoa_buffer_init(&clean, sizeof text * 8);
  if (chat_text_append(&clean, stoa_string_of(text), CHAT_TEXT_ONE_LINE) == STOA_OK &&
      stoa_buffer_append(&clean, "", 1) == STOA_OK) {
    context->print(context->user, (const char *)clean.data);
  }
  stoa_buffer_fini(&clean);
}

/* NULL, and said: there is none. */
static struct chat_message *selected(const struct chat_command_context *context) {
  const struct chat_room *room = &context->link->room;
  struct chat_message *message = context->selected != 0     ? chat_room_find(room, context->selected)
                                 : room->message_count == 0 ? NULL
                                                            : room->messages[room->message_count - 1];
  if (message == NULL) {
    print(context, "there is no message");
  }
  return message;
}

static bool run_nick(const struct chat_command_context *context, const char *argument) {
  chat_link_set_nick(context->link, argument);
  return true;
}

static bool run_join(const struct chat_command_context *context, const char *argument) {
  if (strlen(argument) >= sizeof context->link->room_name) {
    print(context, "the name of a room has at most %zu bytes", sizeof context->link->room_name - 1);
    return false;
  }
  chat_link_join(context->link, argument[0] == '#' ? argument + 1 : argument);
  return true;
}

static bool run_who(const struct chat_command_context *context, const char *argument) {
  const struct chat_room *room = &context->link->room;
  (void)argument;
  for (size_t i = 0; i < room->people_count; i++) {
    print(context, "  %s%s", room->people[i].nick, room->people[i].is_away ? " (away)" : "");
  }
  print(context, "%u here", room->people_total);
  return true;
}

static bool run_rooms(const struct chat_command_context *context, const char *argument) {
  (void)argument;
  chat_link_list_rooms(context->link);
  return true;
}

static bool run_search(const struct chat_command_context *context, const char *argument) {
  chat_link_search(context->link, argument);
  return true;
}

static bool run_topic(const struct chat_command_context *context, const char *argument) {
  chat_link_set_topic(context->link, argument);
  return true;
}

static bool run_edit(const struct chat_command_context *context, const char *argument) {
  const struct chat_message *message = context->selected != 0 ? chat_room_find(&context->link->room, context->selected)
                                                              : chat_room_last_own(&context->link->room);
  if (message == NULL) {
    print(context, "there is no message of yours");
    return false;
  }
  chat_link_edit(context->link, message->offset, argument);
  return true;
}

static bool run_delete(const struct chat_command_context *context, const char *argument) {
  const struct chat_message *message = context->selected != 0 ? chat_room_find(&context->link->room, context->selected)
                                                              : chat_room_last_own(&context->link->room);
  (void)argument;
  if (message == NULL) {
    print(context, "there is no message of yours");
    return false;
  }
  chat_link_delete(context->link, message->offset);
  return true;
}

static bool run_react(const struct chat_command_context *context, const char *argument) {
  const struct chat_message *message = selected(context);
  if (message == NULL) {
    return false;
  }
  bool is_on = false;
  for (size_t i = 0; i < message->reaction_count; i++) {
    is_on = is_on || (message->reactions[i].is_mine && strcmp(message->reactions[i].emoji, argument) == 0);
  }
  chat_link_react(context->link, message->offset, argument, is_on);
  return true;
}

static bool run_reply(const struct chat_command_context *context, const char *argument) {
  const struct chat_message *message = selected(context);
  return message != NULL && chat_link_send(context->link, argument, message->offset);
}

static bool run_quit(const struct chat_command_context *context, const char *argument) {
  (void)context, (void)argument;
  return true;
}

static bool run_help(const struct chat_command_context *context, const char *argument);

static const struct command commands[] = {
    {"/delete", NULL, "delete the selected message, or your last one", run_delete},
    {"/edit", "TEXT", "change the selected message, or your last one", run_edit},
    {"/help", NULL, "show this", run_help},
    {"/join", "ROOM", "go to another room", run_join},
    {"/nick", "NAME", "change your name", run_nick},
    {"/quit", NULL, "end", run_quit},
    {"/react", "EMOJI", "react to the selected message, or the last one; again to take it back", run_react},
    {"/reply", "TEXT", "answer the selected message, or the last one", run_reply},
    {"/rooms", NULL, "list the rooms", run_rooms},
    {"/search", "TEXT", "find messages in this room", run_search},
    {"/topic", "[TEXT]", "set the room's topic", run_topic},
    {"/who", NULL, "who is here", run_who},
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

static bool run_help(const struct chat_command_context *context, const char *argument) {
  (void)argument;
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    const char *wanted = commands[i].argument == NULL ? "" : commands[i].argument;
    print(context, "%-8s %-6s  %s", commands[i].name, wanted, commands[i].about);
  }
  return true;
}

const char *chat_command_name(size_t i) {
  return i < COMMAND_COUNT ? commands[i].name : NULL;
}

static const struct command *find(const char *line, size_t len) {
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    if (strlen(commands[i].name) == len && strncmp(commands[i].name, line, len) == 0) {
      return &commands[i];
    }
  }
  return NULL;
}

bool chat_command_run(const struct chat_command_context *context, const char *line, bool *out_quit) {
  *out_quit = false;
  if (line[0] != '/' || line[1] == '/') {
    const char *text = line[0] == '/' ? line + 1 : line;
    return text[0] == '\0' || chat_link_send(context->link, text, 0);
  }
  size_t len = strcspn(line, " ");
  const struct command *command = find(line, len);
  const char *argument = line + len + strspn(line + len, " ");
  if (command == NULL) {
    print(context, "there is no command %.*s; /help lists them, // begins a text with /", (int)len, line);
    return false;
  }
  if (command->argument != NULL && command->argument[0] != '[' && argument[0] == '\0') {
    print(context, "usage: %s %s", command->name, command->argument);
    return false;
  }
  *out_quit = command->run == run_quit;
  return command->run(context, argument);
}
