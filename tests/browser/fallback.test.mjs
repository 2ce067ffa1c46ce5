// The page where a proxy lets no WebSocket through: it chats through events and POST, and changes over in the middle.

import assert from 'node:assert/strict';

import { startGate } from '../lib/gate.mjs';
import { run, test } from '../lib/tap.mjs';
import { Person, launch } from './browser.mjs';
import { open } from './people.mjs';

const browser = await launch();
const OPTIONS = { 'server.http_fallback': true };

// A room, somebody in it by the direct way, and a proxy.
async function stage(t, lets) {
  const { chatroom, join } = await open(t, browser, { options: OPTIONS });
  const gate = await startGate(chatroom.port);
  t.after(() => gate.close());
  gate.lets = lets;
  const zeno = await join('Zeno');
  const ada = await Person.join(browser, `http://127.0.0.1:${gate.port}/`, 'Ada');
  t.after(() => ada.leave());
  return { chatroom, gate, zeno, ada };
}

test('people chat through a proxy that lets no WebSocket through', async (t) => {
  const { gate, zeno, ada } = await stage(t, { websocket: false, http: true });
  assert.deepEqual(gate.opened.websocket, 0);
  assert.equal(gate.opened.http, 1);
  await ada.say('from behind the proxy 👋');
  assert.equal((await zeno.reads('from behind the proxy 👋')).sender, 'Ada');
  await zeno.say('hello there');
  await ada.reads('hello there');
  for (let i = 0; i < 20; i += 1) {
    await (i % 2 ? ada : zeno).say(`message ${i}`);
  }
  for (const person of [ada, zeno]) {
    await person.readsStored('message 18');
    await person.readsStored('message 19');
  }
  assert.deepEqual(await ada.texts(), await zeno.texts());
  assert.equal(await ada.messageCount(), 22);
  assert.equal(gate.opened.http, 1);
});

test('an upgrade that is never answered costs some seconds, and then the page chats', async (t) => {
  const { gate, zeno, ada } = await stage(t, { websocket: 'hang', http: true });
  assert.equal(gate.opened.http, 1);
  await ada.say('late but here');
  await zeno.reads('late but here');
});

test('nothing is lost or doubled when WebSocket is cut and blocked in the middle, and back', async (t) => {
  const { gate, zeno, ada } = await stage(t, { websocket: true, http: true });
  assert.deepEqual([gate.opened.websocket, gate.opened.http], [1, 0]);
  const told = [];
  const say = async (person, text) => {
    told.push(text);
    await person.say(text);
  };
  const ways = [{ websocket: false, http: true }, { websocket: true, http: false }, { websocket: false, http: true }];
  for (const [index, lets] of ways.entries()) {
    for (let i = 0; i < 10; i += 1) {
      await say(ada, `ada ${index}.${i}`);
      if (i === 5) {
        gate.lets = lets;
        gate.cut();
      }
      await say(zeno, `zeno ${index}.${i}`);
    }
    await zeno.readsStored(`ada ${index}.9`);
    await ada.readsStored(`ada ${index}.9`);
    await ada.readsStored(`zeno ${index}.9`);
    await ada.isOnline();
  }
  assert.deepEqual(gate.opened.websocket, 2);
  assert.ok(gate.opened.http >= 2);
  const [hers, his] = [await ada.texts(), await zeno.texts()];
  assert.deepEqual(hers, his);
  assert.deepEqual([...hers].sort(), [...told].sort());
  for (const name of ['ada', 'zeno']) {
    assert.deepEqual(hers.filter((text) => text.startsWith(name)), told.filter((text) => text.startsWith(name)));
  }
});

await run();
