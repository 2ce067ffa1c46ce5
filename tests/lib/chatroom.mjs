// chatroom.mjs: starts the chatroom program, tells where it listens, and ends it.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import readline from 'node:readline';

import { within } from './waiting.mjs';

const WEB_ROOT = fileURLToPath(new URL('../../web/chat/dist', import.meta.url));
const LOG_LINES_KEPT = 50;
const LISTENING = /\bevent="?listening"?\s.*\baddress="?\S*?:(\d+)"?(?:\s|$)/;

// A test that is told to end takes its servers with it.
const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => process.exit(1));
}
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

function settings(address, options, storage) {
  const own = { 'server.admin.address': 'off', 'server.addresses': [address], 'server.web_root': WEB_ROOT };
  const all = { ...own, ...storage, ...options };
  // JSON is YAML too.
  return Object.entries(all).flatMap(([key, value]) => ['--set', `${key}=${JSON.stringify(value)}`]);
}

export class Chatroom {
  #child;
  #log = [];
  #exited;
  port = 0;

  // address  as in the configuration; port 0 takes a free one
  // options  further configuration, {'server.compression': true}
  //          Messages are in memory only, unless there is a data_dir.
  // variable names the program: another one of the project's does as well
  static async start(address = '127.0.0.1:0', options = {}, variable = 'CHATROOM') {
    const program = process.env[variable];
    if (!program) {
      throw new Error(`the environment variable ${variable} must name a program`);
    }
    const inMemory = variable === 'CHATROOM' && !('data_dir' in options);
    const chatroom = new Chatroom(program, settings(address, options, inMemory ? { 'engine.kind': 'memory' } : {}));
    try {
      await within(chatroom.#listening(), 'the chatroom to listen');
    } catch (error) {
      await chatroom.kill();
      throw new Error(`${error.message}; its log:\n${chatroom.log}`);
    }
    return chatroom;
  }

  constructor(program, args) {
    this.#child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    running.add(this.#child);
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => resolve({ code, signal }));
      this.#child.once('error', (error) => resolve({ error: error.message }));
    });
    this.#exited.then(() => running.delete(this.#child));
  }

  async #listening() {
    const lines = readline.createInterface({ input: this.#child.stderr });
    const port = await new Promise((resolve, reject) => {
      lines.on('line', (line) => {
        this.#remember(line);
        const found = LISTENING.exec(line);
        if (found) {
          resolve(Number(found[1]));
        }
      });
      this.#exited.then((end) => reject(new Error(`the chatroom ended: ${JSON.stringify(end)}`)));
    });
    this.port = port;
  }

  #remember(line) {
    this.#log.push(line);
    if (this.#log.length > LOG_LINES_KEPT) {
      this.#log.shift();
    }
  }

  // The last lines of its log.
  get log() {
    return this.#log.join('\n');
  }

  // Let it drain and end; returns {code, signal}.
  async stop() {
    this.#child.kill('SIGTERM');
    return within(this.#exited, 'the chatroom to end');
  }

  // End it as a crash would.
  async kill() {
    this.#child.kill('SIGKILL');
    return within(this.#exited, 'the chatroom to die');
  }
}
