// times.js: formats times for people, in their language and time zone.

const DAY_MS = 86400000;

export class Times {
  #clock;
  #full;
  #day;
  #strings;

  constructor(language, strings) {
    this.#strings = strings;
    this.#clock = new Intl.DateTimeFormat(language, { timeStyle: 'short' });
    this.#full = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'medium' });
    this.#day = new Intl.DateTimeFormat(language, { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' });
  }

  clock(date) {
    return this.#clock.format(date);
  }

  full(date) {
    return this.#full.format(date);
  }

  day(date, today = new Date()) {
    // Noon of both days: a day of 23 or 25 hours is still one day.
    const days = Math.round((noon(today) - noon(date)) / DAY_MS);
    if (days === 0) {
      return this.#strings.say('today');
    }
    return days === 1 ? this.#strings.say('yesterday') : this.#day.format(date);
  }
}

function noon(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate(), 12).getTime();
}

export function isSameDay(one, other) {
  return noon(one) === noon(other);
}

// A timestamp that cannot be parsed must not hide its message: the current time is used.
export function parseTimestamp(timestamp) {
  const date = new Date(timestamp ?? NaN);
  return Number.isNaN(date.getTime()) ? new Date() : date;
}
