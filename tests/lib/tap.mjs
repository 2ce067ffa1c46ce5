// tap.mjs: runs the tests of a file, and reports them as TAP, the same on every Node from 18 on.
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

const comment = (text) => String(text).split('\n').map((line) => `# ${line}\n`).join('');

async function attempt(body, context) {
  try {
    await within(body(context), 'the test', TEST_MS);
    return null;
  } catch (error) {
    return error;
  }
}

// Returns its lines, and whether it failed.
async function runOne({ name, body }, number) {
  const context = new Context();
  let error = await attempt(() => body(context), context);
  error = (await attempt(() => context.finish(), context)) ?? error;
  const skipped = context.skipped === null ? '' : ` # SKIP ${context.skipped}`;
  const lines = `${error ? 'not ok' : 'ok'} ${number} - ${name}${skipped}\n${error ? comment(error.stack ?? error) : ''}`;
  return { lines, isFailed: error !== null };
}

// Run all tests, or those whose names hold one of the words of the command line, and end the process: a handle that a
// failed test left open must not keep it alive.
//
// atOnce   how many run at the same time; for tests that mostly wait, and share nothing. They are reported in their order.
export async function run({ atOnce = 1 } = {}) {
  const words = process.argv.slice(2);
  const chosen = tests.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  process.stdout.write(`TAP version 13\n1..${chosen.length}\n`);
  const reports = [];
  let [begun, told, failed] = [0, 0, 0];
  const work = async () => {
    while (begun < chosen.length) {
      const index = begun;
      begun += 1;
      reports[index] = await runOne(chosen[index], index + 1);
      for (; reports[told]; told += 1) {
        process.stdout.write(reports[told].lines);
        failed += reports[told].isFailed ? 1 : 0;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  process.stdout.write('', () => process.exit(failed === 0 ? 0 : 1));
}
