#include "base/metric_text.h"

#include <assert.h>

#define DECIMALS_MAX 18u
#define NUMBER_SIZE 24

const char *stoa_metric_content_type(enum stoa_metric_format format) {
  return format == STOA_METRIC_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                           : "text/plain; version=0.0.4; charset=utf-8";
}

/* Pieces. */

static void put(struct stoa_metric_text *text, const char *data, size_t len) {
  if (text->status == STOA_OK) {
    text->status = stoa_buffer_append(text->out, data, len);
  }
}

static void put_text(struct stoa_metric_text *text, const char *what) {
  put(text, what, strlen(what));
}

/* A line feed ends a line, and a quotation mark a value. Help has none in Prometheus, where \" would be shown as it
 * stands; OpenMetrics escapes it there too. */
static void put_escaped(struct stoa_metric_text *text, const char *what, bool escapes_quotes) {
  const char *special = escapes_quotes ? "\\\n\"" : "\\\n";
  while (*what != '\0') {
    size_t len = strcspn(what, special);
    put(text, what, len);
    what += len;
    if (*what != '\0') {
      const char pair[2] = {'\\', *what == '\n' ? 'n' : *what};
      put(text, pair, sizeof pair);
      what++;
    }
  }
}

/* The digits of a number from its end; returns where they begin. */
static char *write_digits(char *end, uint64_t value, unsigned count_min) {
  unsigned count = 0;
  while (value > 0 || count < count_min) {
    *--end = (char)('0' + value % 10);
    value /= 10;
    count++;
  }
  return end;
}

static uint64_t power_of_ten(unsigned exponent) {
  uint64_t power = 1;
  for (unsigned i = 0; i < exponent; i++) {
    power *= 10;
  }
  return power;
}

/* `fraction` of 10^decimals, without zeros at the end. */
static void put_fraction(struct stoa_metric_text *text, uint64_t fraction, unsigned decimals) {
  char digits[NUMBER_SIZE];
  char *end = digits + sizeof digits;
  char *start = write_digits(end, fraction, decimals);
  while (end > start && end[-1] == '0') {
    end--;
  }
  if (end > start) {
    put_text(text, ".");
    put(text, start, (size_t)(end - start));
  }
}

static void put_number(struct stoa_metric_text *text, uint64_t value, unsigned decimals) {
  char digits[NUMBER_SIZE];
  uint64_t one = power_of_ten(decimals);
  const char *start = write_digits(digits + sizeof digits, value / one, 1);
  put(text, start, (size_t)(digits + sizeof digits - start));
  put_fraction(text, value % one, decimals);
}

static void put_signed(struct stoa_metric_text *text, uint64_t value, unsigned decimals) {
  bool is_negative = (int64_t)value < 0;
  if (is_negative) {
    put_text(text, "-");
  }
  put_number(text, is_negative ? -value : value, decimals);
}

/* A bucket's bound. OpenMetrics 1.0, "Considerations: Canonical Numbers": a whole number is written with ".0". */
static void put_bound(struct stoa_metric_text *text, uint64_t bound, unsigned decimals) {
  put_number(text, bound, decimals);
  if (text->format == STOA_METRIC_OPENMETRICS && bound % power_of_ten(decimals) == 0) {
    put_text(text, ".0");
  }
}

/* Families. */

static const char *type_name(const struct stoa_metric_text *text, enum stoa_metric_type type) {
  switch (type) {
    case STOA_METRIC_COUNTER:
      return "counter";
    case STOA_METRIC_GAUGE:
      return "gauge";
    case STOA_METRIC_HISTOGRAM:
      return "histogram";
    case STOA_METRIC_INFO:
      return text->format == STOA_METRIC_OPENMETRICS ? "info" : "gauge";
  }
  return "unknown";
}

/* What the samples' name has beyond the family's. */
static const char *value_suffix(enum stoa_metric_type type) {
  switch (type) {
    case STOA_METRIC_COUNTER:
      return "_total";
    case STOA_METRIC_INFO:
      return "_info";
    case STOA_METRIC_GAUGE:
    case STOA_METRIC_HISTOGRAM:
      return "";
  }
  return "";
}

/* In OpenMetrics the family's name is without the suffix, in Prometheus it is the samples' name. */
static void put_about(struct stoa_metric_text *text, const char *what) {
  put_text(text, what);
  put_text(text, text->family->name);
  if (text->format == STOA_METRIC_PROMETHEUS) {
    put_text(text, value_suffix(text->family->type));
  }
  put_text(text, " ");
}

void stoa_metric_text_family(struct stoa_metric_text *text, const struct stoa_metric_family *family) {
  bool is_open = text->format == STOA_METRIC_OPENMETRICS;
  assert(family->decimals <= DECIMALS_MAX);
  text->family = family;
  put_about(text, "# HELP ");
  put_escaped(text, family->help, is_open);
  put_text(text, "\n");
  put_about(text, "# TYPE ");
  put_text(text, type_name(text, family->type));
  put_text(text, "\n");
  if (is_open && family->unit != NULL) {
    put_about(text, "# UNIT ");
    put_text(text, family->unit);
    put_text(text, "\n");
  }
}

/* Samples. */

static void put_label(struct stoa_metric_text *text, const struct stoa_metric_label *label, bool is_first) {
  put_text(text, is_first ? "{" : ",");
  put_text(text, label->name);
  put_text(text, "=\"");
  put_escaped(text, label->value, true);
  put_text(text, "\"");
}

static void put_name(struct stoa_metric_text *text, const char *suffix, const struct stoa_metric_label *labels,
                     size_t label_count) {
  put_text(text, text->family->name);
  put_text(text, suffix);
  for (size_t i = 0; i < label_count; i++) {
    put_label(text, &labels[i], i == 0);
  }
}

static void put_sample(struct stoa_metric_text *text, const char *suffix, const struct stoa_metric_label *labels,
                       size_t label_count) {
  put_name(text, suffix, labels, label_count);
  put_text(text, label_count > 0 ? "} " : " ");
}

void stoa_metric_text_value(struct stoa_metric_text *text, const struct stoa_metric_label *labels, size_t label_count,
                            uint64_t value) {
  assert(text->family != NULL);
  assert(text->family->type != STOA_METRIC_HISTOGRAM);
  put_sample(text, value_suffix(text->family->type), labels, label_count);
  if (text->family->type == STOA_METRIC_GAUGE) {
    put_signed(text, value, text->family->decimals);
  } else {
    put_number(text, value, text->family->decimals);
  }
  put_text(text, "\n");
}

/* `bound` NULL: all that there are. */
static void put_bucket(struct stoa_metric_text *text, const struct stoa_metric_label *labels, size_t label_count,
                       const uint64_t *bound, uint64_t count) {
  put_name(text, "_bucket", labels, label_count);
  put_text(text, label_count > 0 ? ",le=\"" : "{le=\"");
  if (bound == NULL) {
    put_text(text, "+Inf");
  } else {
    put_bound(text, *bound, text->family->decimals);
  }
  put_text(text, "\"} ");
  put_number(text, count, 0);
  put_text(text, "\n");
}

void stoa_metric_text_histogram(struct stoa_metric_text *text, const struct stoa_metric_label *labels,
                                size_t label_count, const struct stoa_metric_histogram *histogram) {
  uint64_t count = 0;
  assert(text->family != NULL);
  assert(text->family->type == STOA_METRIC_HISTOGRAM);
  for (uint32_t i = 0; i < histogram->bound_count; i++) {
    count += histogram->counts[i];
    put_bucket(text, labels, label_count, &histogram->bounds[i], count);
  }
  count += histogram->counts[histogram->bound_count];
  put_bucket(text, labels, label_count, NULL, count);
  put_sample(text, "_sum", labels, label_count);
  put_number(text, histogram->sum, text->family->decimals);
  put_text(text, "\n");
  put_sample(text, "_count", labels, label_count);
  put_number(text, count, 0);
  put_text(text, "\n");
}

int stoa_metric_text_end(struct stoa_metric_text *text) {
  if (text->format == STOA_METRIC_OPENMETRICS) {
    put_text(text, "# EOF\n");
  }
  text->family = NULL;
  return text->status;
}
