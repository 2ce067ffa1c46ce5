/* tools/stoa/doctor/report.h: what `stoa doctor` prints: a line for each finding, and what to do about it.
 *
 * Texts of servers are made harmless for a terminal.
 */
#ifndef STOA_TOOL_DOCTOR_REPORT_H
#define STOA_TOOL_DOCTOR_REPORT_H

enum doctor_level {
  DOCTOR_GOOD,   /* as it should be */
  DOCTOR_NOTE,   /* worth knowing; it may be meant */
  DOCTOR_PROBLEM /* clients are refused, or lose their connections */
};

struct doctor_report {
  unsigned problems, notes;
};

/* One finding. `step` names the part of the handshake, such as "tls". */
__attribute__((format(printf, 4, 5))) void doctor_say(struct doctor_report *report, enum doctor_level level,
                                                      const char *step, const char *format, ...);
/* What to do about the last finding; may be called again for another way. */
__attribute__((format(printf, 1, 2))) void doctor_advise(const char *format, ...);

#endif
