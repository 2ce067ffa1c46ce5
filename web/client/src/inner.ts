// inner.ts: what the package's other modules share with the runtime. Programs cannot import it.
export { connection, type Connection } from './connection.js';
export { localError } from './error.js';
export { listeners } from './listeners.js';
export { createTimers, fullJitterMs, now, page, type Timers } from './time.js';
