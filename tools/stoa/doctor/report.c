#include "doctor/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../chat/text.h"

enum { LINE_MAX = 1024 };

static void print(const char *text) {
  struct stoa_buffer clean;
  stoa_buffer_init(&clean, (size_t)LINE_MAX * 8);
  if (chat_text_append(&clean, stoa_string_of(text), CHAT_TEXT_ONE_LINE) == STOA_OK) {
    fwrite(clean.data, 1, clean.len, stdout);
  }
  putchar('\n');
  fflush(stdout); /* a step may take long: what was found before is seen at once */
  stoa_buffer_fini(&clean);
}

void doctor_say(struct doctor_report *report, enum doctor_level level, const char *step, const char *format, ...) {
  static const char *const words[] = {[DOCTOR_GOOD] = "ok", [DOCTOR_NOTE] = "note", [DOCTOR_PROBLEM] = "problem"};
  char text[LINE_MAX];
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  report->problems += level == DOCTOR_PROBLEM;
  report->notes += level == DOCTOR_NOTE;
  printf("%-8s %-12s ", words[level], step);
  print(text);
}

void doctor_advise(const char *format, ...) {
  char text[LINE_MAX];
  va_list values;
  va_start(values, format);
  vsnprintf(text, sizeof text, format, values);
  va_end(values);
  printf("         do:          ");
  print(text);
}
