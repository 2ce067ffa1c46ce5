#include "number_hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "name_number.h"
#include "pool.h"

/* A number from a name, or one that is given and could be that of a stream's name; to find two that are equal. */
struct hashed {
  const char *what; /* rpc "chat.v1.Chat.Join" */
  uint32_t number;
  const struct model_file *file;
  const struct place *place;
  bool is_given;
  size_t order;
};

static bool is_of_rpc(const struct model_file *file, const struct model_message *message) {
  for (size_t s = 0; s < file->service_count; s++) {
    for (size_t i = 0; i < file->services[s].method_count; i++) {
      const struct model_method *method = &file->services[s].methods[i];
      if (method->input == message || method->output == message) {
        return true;
      }
    }
    for (size_t i = 0; i < file->services[s].stream_count; i++) {
      const struct model_method *stream = &file->services[s].streams[i];
      if (stream->input == message || stream->output == message) {
        return true;
      }
    }
  }
  return false;
}

/* Is `inner` the message itself, or nested in it? */
static bool is_within(const struct model_message *inner, const struct model_message *message) {
  size_t len = strlen(message->full_name);
  return inner == message || (strncmp(inner->full_name, message->full_name, len) == 0 && inner->full_name[len] == '.');
}

/* Does another message of the file have a field of its type? A map's values are fields of its entry. */
static bool is_part(const struct model_file *file, const struct model_message *message) {
  for (size_t i = 0; i < file->message_count; i++) {
    const struct model_message *other = &file->messages[i];
    for (size_t f = 0; f < other->field_count && !is_within(other, message); f++) {
      if (other->fields[f].message == message) {
        return true;
      }
    }
  }
  return false;
}

/* With option (stoa.plain) an rpc and its request have one number. */
static void number_method(const struct model_file *file, const struct model_service *service,
                          struct model_method *method) {
  const char *path = text_format("/%s/%s", service->full_name, method->name);
  method->number = method->is_stream ? name_number_stream(path) : name_number(path);
  method->is_numbered = true;
  method->is_hashed = true;
  for (size_t i = 0; i < file->message_count; i++) {
    struct model_message *message = &file->messages[i];
    if (message->call == method) {
      message->number = method->number;
      message->is_numbered = true;
    }
  }
}

void number_hash_file(struct model_file *file) {
  for (size_t s = 0; s < file->service_count; s++) {
    for (size_t i = 0; i < file->services[s].method_count; i++) {
      if (!file->services[s].methods[i].is_numbered) {
        number_method(file, &file->services[s], &file->services[s].methods[i]);
      }
    }
  }
  for (size_t i = 0; i < file->message_count; i++) {
    struct model_message *message = &file->messages[i];
    if (!message->is_nested && !message->is_numbered && !is_of_rpc(file, message) && !is_part(file, message)) {
      message->number = name_number(message->full_name);
      message->is_numbered = true;
      message->is_hashed = true;
    }
  }
}

static size_t count_all(const struct model *model) {
  size_t count = 0;
  for (size_t f = 0; f < model->file_count; f++) {
    count += model->files[f].message_count;
    for (size_t s = 0; s < model->files[f].service_count; s++) {
      count += model->files[f].services[s].method_count;
    }
  }
  return count;
}

/* Numbers that are given share a range with those of streams only. */
static bool is_comparable(bool is_hashed, bool is_numbered, uint32_t number) {
  return is_hashed || (is_numbered && number >= NAME_NUMBER_STREAM_MIN && number < NAME_NUMBER_MIN);
}

static size_t collect(const struct model_file *file, struct hashed *all, size_t count) {
  for (size_t s = 0; s < file->service_count; s++) {
    const struct model_service *service = &file->services[s];
    for (size_t i = 0; i < service->method_count; i++) {
      const struct model_method *method = &service->methods[i];
      if (is_comparable(method->is_hashed, method->is_numbered, method->number)) {
        const char *what = text_format("rpc \"%s.%s\"", service->full_name, method->name);
        all[count] = (struct hashed){what, method->number, file, &method->place, !method->is_hashed, count};
        count++;
      }
    }
  }
  for (size_t i = 0; i < file->message_count; i++) {
    const struct model_message *message = &file->messages[i];
    if (is_comparable(message->is_hashed, message->is_numbered && message->call == NULL, message->number)) {
      const char *what = text_format("message \"%s\"", message->full_name);
      all[count] = (struct hashed){what, message->number, file, &message->place, !message->is_hashed, count};
      count++;
    }
  }
  return count;
}

/* By number, then those from names, then in the order of the files. */
static int compare(const void *left, const void *right) {
  const struct hashed *a = left;
  const struct hashed *b = right;
  if (a->number != b->number) {
    return a->number < b->number ? -1 : 1;
  }
  if (a->is_given != b->is_given) {
    return a->is_given ? 1 : -1;
  }
  return a->order < b->order ? -1 : 1;
}

/* Two that are given may be those of two programs. */
static void report(const struct hashed *one, const struct hashed *other, struct problems *problems) {
  if (!one->is_given) {
    problem_add(problems, one->place,
                "type number %u of %s, from its name, is that of %s (%s) too: give one of them a number", one->number,
                one->what, other->what, problem_place(other->place));
  } else if (!other->is_given) {
    problem_add(problems, one->place, "type number %u of %s is that of %s (%s), from its name: give it one below %u",
                one->number, one->what, other->what, problem_place(other->place), NAME_NUMBER_STREAM_MIN);
  }
}

void number_hash_check(const struct model *model, struct problems *problems) {
  struct hashed *all = pool_array(count_all(model), sizeof *all);
  size_t count = 0;
  for (size_t f = 0; f < model->file_count; f++) {
    if (model->files[f].is_wanted) {
      count = collect(&model->files[f], all, count);
    }
  }
  qsort(all, count, sizeof *all, compare);
  for (size_t i = 1; i < count; i++) {
    if (all[i - 1].number == all[i].number && all[i - 1].file != all[i].file) {
      report(&all[i], &all[i - 1], problems);
    }
  }
}
