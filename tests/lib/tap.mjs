// tap.mjs: runs a file's tests one after another and reports them as TAP, the same on every Node from 18 on.
//
//   test('a name that is a sentence', async (t) => { t.after(() => server.stop()); ... });
//   await run();

import { within } from './waiting.mjs';

const TEST_MS = 120000;
const tests = [];

export function test(name, body) {
  tests.push({ name, body });
}

class Context {
  #cleanups = [];
  skipped = null;

  // Called when the test is over, whatever its end, the last one first.
  after(cleanup) {
    this.#cleanups.push(cleanup);
  }

  // The test cannot run here; return after this.
  skip(why) {
    this.skipped = why;
  }

  async finish() {
    for (const cleanup of this.#cleanups.reverse()) {
      await cleanup();
    }
  }
}

function comment(text) {
  for (const line of String(text).split('\n')) {
    process.stdout.write(`# ${line}\n`);
  }
}

async function attempt(body, context) {
  try {
    await within(body(context), 'the test', TEST_MS);
    return null;
  } catch (error) {
    return error;
  }
}

async function runOne({ name, body }, number) {
  const context = new Context();
  let error = await attempt(() => body(context), context);
  error = (await attempt(() => context.finish(), context)) ?? error;
  const skipped = context.skipped === null ? '' : ` # SKIP ${context.skipped}`;
  process.stdout.write(`${error ? 'not ok' : 'ok'} ${number} - ${name}${skipped}\n`);
  if (error) {
    comment(error.stack ?? error);
  }
  return error === null;
}

// Run all tests, or those whose names hold one of the words of the command line, and end the process: a handle that a
// failed test left open must not keep it alive.
export async function run() {
  const words = process.argv.slice(2);
  const chosen = tests.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  process.stdout.write(`TAP version 13\n1..${chosen.length}\n`);
  let failed = 0;
  for (const [index, one] of chosen.entries()) {
    failed += (await runOne(one, index + 1)) ? 0 : 1;
  }
  process.stdout.write('', () => process.exit(failed === 0 ? 0 : 1));
}
