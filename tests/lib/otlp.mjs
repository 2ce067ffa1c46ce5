// otlp.mjs: the collector of otlp.py, for tests in JavaScript.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import readline from 'node:readline';

import { within } from './waiting.mjs';

const PROGRAM = fileURLToPath(new URL('otlp.py', import.meta.url));

export class Collector {
  #child;
  #lines;

  static async start() {
    const collector = new Collector();
    collector.endpoint = (await within(collector.#lines.next(), 'the collector')).value;
    return collector;
  }

  constructor() {
    this.#child = spawn('/usr/bin/python3', [PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = readline.createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  // All spans so far; throws when one breaks the rules of OTLP.
  async spans() {
    this.#child.stdin.write('\n');
    const spans = JSON.parse((await within(this.#lines.next(), 'the spans')).value);
    if (spans.fault) {
      throw new Error(`the collector got what is not OTLP: ${spans.fault}`);
    }
    return spans;
  }

  // Until the condition holds for them.
  async until(condition, what) {
    const look = async () => {
      for (;;) {
        const spans = await this.spans();
        if (condition(spans)) {
          return spans;
        }
      }
    };
    return within(look(), what);
  }

  stop() {
    this.#child.stdin.end();
    this.#child.kill();
  }
}
