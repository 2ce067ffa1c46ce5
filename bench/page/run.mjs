#!/usr/bin/env node
// What the chat's page costs a browser: a room of 5,000 messages in which 20 a second arrive, while a person scrolls
// through it and types; and the memory of the page after an hour's worth of them, played fast.
//
//     ./dev bench page [FOLDER]
//
// FOLDER has another build of the page, which is measured without the memory, to compare two in turn.
//
// A frame is a 60th of a second. Its cost is the processor time that the page's main thread spends on the tasks that
// begin in it, from Chromium's trace: script, style, layout and paint together. Frames without a task are not counted.

import { createRequire } from 'node:module';

import { launch, Person } from '../../tests/browser/browser.mjs';
import { Chatroom } from '../../tests/lib/chatroom.mjs';
import { within } from '../../tests/lib/waiting.mjs';
import { Wire } from '../../tests/lib/wire.mjs';

const WebSocket = createRequire(new URL('../../tests/package.json', import.meta.url))('ws');

const MESSAGES = 5000;
const RATE_PER_S = 20;
const SCENE_MS = 20000;
const HOUR = 3600 * RATE_PER_S;
const CHUNK = 1000;
const WHEEL_PX = 120;
// Twice as many as fast hands type.
const KEYS_PER_S = 20;
const FRAME_US = 1e6 / 60;
const TRACED = ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline', '__metadata'];
const JOIN_ID = 2;
const BOX = '#composer textarea';

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

// ---- the others ----

// What people write: short and long texts, links, code, quotes, several scripts.
const SAMPLES = [
  'Good morning!', 'I think so too. Let us meet at ten, by the third column.', '大家好！今天天气真好，适合散步聊天。',
  'See https://example.org/plan/2026?week=12#friday, **before** we go on, and tell `@Ada` about it.', '👍', 'مرحبا بالجميع',
  '> the old plan\nNo, the _new_ one, please.', '```js\nconst answer = 42;\nconsole.log(answer);\n```',
  'A longer one, because some people explain things at length: first one, then the other, and then what follows from both '
    + 'of them, with all the reasons that there are, and some that there are not.',
];
const textOf = (at) => `${SAMPLES[at % SAMPLES.length]} (${at})`;

class Crowd {
  sent = 0;

  async enter(port, names) {
    this.sockets = await Promise.all(names.map(async (name) => {
      const wire = new Wire('stoa.json');
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`, 'stoa.json');
      await within(new Promise((resolve) => { socket.once('open', resolve); }), 'a connection');
      const joined = new Promise((resolve) => {
        socket.on('message', (data) => {
          const { error, id, message } = wire.read(data);
          if (error) {
            throw new Error(message.message);
          }
          if (id === JOIN_ID) {
            resolve();
          }
        });
      });
      socket.send(wire.hello(1, name));
      socket.send(wire.join(JOIN_ID));
      await within(joined, 'the room');
      return { wire, socket };
    }));
  }

  // Three in a row from each, as in a real room some are grouped.
  say(who = Math.floor(this.sent / 3)) {
    this.sent += 1;
    const { wire, socket } = this.sockets[Math.floor(who) % this.sockets.length];
    socket.send(wire.chat(textOf(this.sent)));
  }

  // `count` messages, as fast as `person` shows them. Each thousand is from one sender, whose order is kept.
  async pour(count, person) {
    for (let left = count; left > 0; left -= CHUNK) {
      for (let at = 0; at < Math.min(CHUNK, left); at += 1) {
        this.say(left / CHUNK);
      }
      await this.isSeen(person);
    }
  }

  async isSeen(person) {
    await person.page.waitForFunction((end) => [...document.querySelectorAll('.message')].slice(-10).some(
      (node) => node.textContent.includes(end)), `(${this.sent})`);
  }

  // 20 a second, until the function that this returns is called.
  chat() {
    const timer = setInterval(() => this.say(), 1000 / RATE_PER_S);
    return () => clearInterval(timer);
  }
}

// ---- what frames cost ----

// The renderer of the page is the one that draws the most.
function mainThread(events) {
  const counts = new Map();
  for (const { name, pid, tid } of events) {
    if (name === 'FireAnimationFrame') {
      counts.set(`${pid} ${tid}`, (counts.get(`${pid} ${tid}`) ?? 0) + 1);
    }
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0][0];
}

function frameCosts(trace) {
  const { traceEvents } = JSON.parse(trace);
  const main = mainThread(traceEvents);
  const frames = new Map();
  let end = 0;
  const tasks = traceEvents.filter(({ name, ph, pid, tid }) => ph === 'X' && /RunTask$/.test(name) && `${pid} ${tid}` === main);
  for (const { ts, dur, tdur = dur } of tasks.sort((a, b) => a.ts - b.ts)) {
    // A task within a task is part of it.
    if (ts >= end) {
      end = ts + dur;
      const frame = Math.floor(ts / FRAME_US);
      frames.set(frame, (frames.get(frame) ?? 0) + tdur / 1000);
    }
  }
  return [...frames.values()].sort((a, b) => a - b);
}

async function traced(browser, person, what, scene) {
  await browser.startTracing(person.page, { categories: TRACED });
  const until = Date.now() + SCENE_MS;
  let steps = 0;
  for (; Date.now() < until; steps += 1) {
    await scene(steps);
  }
  const all = frameCosts((await browser.stopTracing()).toString());
  const at = (share) => all[Math.min(all.length - 1, Math.floor(share * all.length))].toFixed(1);
  console.log(`| ${what} | ${all.length} | ${at(0.5)} | ${at(0.95)} | ${at(0.99)} | ${at(1)} |`);
}

// ---- memory ----

async function memory(session) {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (wanted) => metrics.find(({ name }) => name === wanted).value;
  return { heap: of('JSHeapUsedSize') / 1e6, nodes: of('Nodes'), listeners: of('JSEventListeners') };
}

async function rememberHour(person, crowd) {
  const session = await person.context.newCDPSession(person.page);
  await session.send('Performance.enable');
  console.log('\n| messages since | heap, MB | nodes | listeners |\n| ---: | ---: | ---: | ---: |');
  for (let count = 0; count <= HOUR; count += HOUR / 6) {
    await crowd.pour(count ? HOUR / 6 : 0, person);
    const { heap, nodes, listeners } = await memory(session);
    console.log(`| ${count} | ${heap.toFixed(1)} | ${nodes} | ${listeners} |`);
  }
}

// ---- the bench ----

const [folder] = process.argv.slice(2);
const options = { 'log.connections': 'off', ...(folder ? { 'server.web_root': folder } : {}) };
const chatroom = await Chatroom.start('127.0.0.1:0', options);
const browser = await launch({ isWhole: true });
const person = await Person.join(browser, `http://127.0.0.1:${chatroom.port}/`, 'Ada', { viewport: { width: 1280, height: 800 } });
const { page } = person;
const crowd = new Crowd();
await crowd.enter(chatroom.port, ['Zeno', 'Beatrix', '小明', 'Chrysippus']);
await crowd.pour(MESSAGES, person);
const stop = crowd.chat();

console.log('| 20 messages a second | frames | median, ms | p95 | p99 | longest |\n| --- | ---: | ---: | ---: | ---: | ---: |');
await traced(browser, person, 'reading at the end', () => sleep(200));
await page.focus(BOX);
await traced(browser, person, 'typing', async (step) => {
  await page.keyboard.press(step % 60 === 59 ? 'Enter' : 'abcde fghij'[step % 11]);
  await sleep(1000 / KEYS_PER_S);
});
await page.mouse.move(640, 400);
await traced(browser, person, 'scrolling up, older messages are loaded', async () => {
  await page.mouse.wheel(0, -WHEEL_PX);
  await sleep(16);
});
await traced(browser, person, 'scrolling down again, newer ones are loaded', async () => {
  await page.mouse.wheel(0, WHEEL_PX);
  await sleep(16);
});
stop();
if (folder) {
  await browser.close();
  await chatroom.kill();
  process.exit(0);
}
await page.locator('#newer').click({ timeout: 5000 }).catch(() => {});
await crowd.isSeen(person);
await rememberHour(person, crowd);
await browser.close();
await chatroom.kill();
process.exit(0);
