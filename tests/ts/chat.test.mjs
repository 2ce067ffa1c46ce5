// The chat's SDK under a fake clock and network: what no server can be made to do at a wish.

import assert from 'node:assert/strict';

import { run } from '../lib/tap.mjs';
import {
  begin, Chat, ChatroomApi, ERROR, inRoom, inWorld, keepToken, protobuf, reasonOf, Server, settle, stored,
  texts, TYPE, TypingState,
} from './chat_world.mjs';

// ---- sessions ----

inWorld('it says Hello on every connection, and is connected when that is answered', async (world) => {
  const { chat, states, server } = begin(world, { nick: 'Ada', about: { client: 'page', version: '2', locale: 'zh-CN' } });
  assert.equal(chat.state, 'connecting');
  world.open();
  await settle();
  assert.deepEqual(server.sent('hello'), [{ nick: 'Ada', client: 'page', version: '2', locale: 'zh-CN' }]);
  assert.equal(chat.state, 'connecting');
  server.reply('hello', { nick: 'Ada', userId: 'u1', guestToken: 't1' });
  assert.deepEqual([chat.state, chat.me.userId, states], ['connected', 'u1', ['connected']]);
  server.breakLine();
  assert.equal(chat.state, 'reconnecting');
  server.reconnects();
  world.open();
  await settle();
  // The same guest, also without a storage.
  assert.deepEqual(server.sent('hello')[0], { nick: 'Ada', token: 't1', client: 'page', version: '2', locale: 'zh-CN' });
  chat.close();
  assert.deepEqual([chat.state, world.timerCount], ['closed', 0]);
});

inWorld('after close() it does not come back, also when it waited for its next attempt', async (world) => {
  const { chat, server } = begin(world);
  await server.welcome();
  server.breakLine();
  assert.equal(chat.state, 'reconnecting');
  chat.close();
  chat.retryNow();
  world.pass(60000);
  assert.deepEqual([chat.state, world.sockets.length, world.timerCount], ['closed', 1, 0]);
});

inWorld('without a WebSocket the error says what to do', async () => {
  assert.throws(() => new Chat('ws://host/', { WebSocket: undefined }), { name: 'TypeError', message: /pass \{ WebSocket \}/ });
});

inWorld('a protocol without the types of its API is refused, and types without a protocol are not needed', async (world) => {
  const { WebSocket } = world;
  assert.throws(() => new Chat('ws://host/', { WebSocket, protocol: protobuf }),
    { name: 'TypeError', message: /pass \{ protocol, api \}/ });
  assert.deepEqual([world.sockets.length, world.timerCount], [0, 0]);
  const { chat, server } = begin(world, { api: ChatroomApi });
  await server.welcome();
  assert.deepEqual([world.socket.protocol, chat.me.nick], ['stoa.json', 'Ada']);
});

inWorld('a guest is the same one by the token that it is given, and tells a new one', async (world) => {
  const { chat, server } = begin(world, { guestToken: 'old' });
  const told = [];
  chat.on('me', ({ guestToken }) => told.push(guestToken));
  await server.welcome({ guestToken: 'new' });
  const renamed = chat.setNick('Bea');
  server.reply('setNick', { nick: 'Bea', guestToken: 'newer' });
  await renamed;
  assert.deepEqual([server.sent('hello')[0].token, chat.me.nick, told], ['old', 'Bea', ['new', 'newer']]);
  server.breakLine();
  server.reconnects();
  world.open();
  await settle();
  assert.deepEqual([server.sent('hello')[0].token, server.sent('hello')[0].nick], ['newer', 'Bea']);
});

inWorld('a guest\'s token that is refused is forgotten, and the guest is a new one', async (world) => {
  for (const code of [101, 109]) {
    const { chat, server } = begin(world, { guestToken: 'bad' });
    world.open();
    await settle();
    server.refuse('hello', code);
    assert.equal(chat.state, 'reconnecting');
    world.pass(1000);
    await server.welcome();
    assert.deepEqual([server.sent('hello')[0].token, chat.state], ['', 'connected']);
  }
});

inWorld('a token that is refused twice closes the chat', async (world) => {
  let given = 0;
  const { chat, server } = begin(world, { token: () => `t${++given}` });
  for (let i = 0; i < 2; i += 1) {
    world.pass(1000);
    world.open();
    await settle();
    assert.equal(server.sent('hello')[0].token, `t${i + 1}`);
    server.refuse('hello', 101, { reason: 'UNAUTHORIZED' });
  }
  assert.deepEqual([chat.state, chat.detail.error.code], ['closed', 101]);
});

inWorld('a session that is closed for its token comes back with another one, once', async (world) => {
  const tokens = ['t1', 't2'];
  const { chat, server } = begin(world, { token: async () => tokens.shift() });
  world.open();
  await settle();
  server.breakLine(4500);
  assert.equal(chat.state, 'reconnecting');
  world.open();
  await settle();
  assert.equal(server.sent('hello')[0].token, 't2');
  server.breakLine(4500);
  assert.deepEqual([chat.state, chat.detail.code], ['closed', 4500]);
});

inWorld('a program that closes with the code of a bad token has closed', async (world) => {
  const { chat, server } = begin(world, { token: () => 't' });
  await server.welcome();
  chat.close(4500);
  assert.deepEqual([chat.state, chat.detail.code, world.timerCount], ['closed', 4500, 0]);
});

inWorld('a code or a reason that pages may not send closes all the same', async (world) => {
  for (const [code, reason] of [[0, ''], [4], [1006, 'x'], [4000, 'x'.repeat(200)]]) {
    const { chat, server } = begin(world);
    await server.welcome();
    const { socket } = world;
    chat.close(code, reason);
    assert.deepEqual([chat.state, chat.detail.code, !!socket.closed, world.timerCount], ['closed', code, true, 0]);
  }
});

inWorld('a function that gives no token is asked again later', async (world) => {
  let isDown = true;
  const { chat, server } = begin(world, { token: () => { if (isDown) { throw new Error('down'); } return 't'; } });
  world.open();
  await settle();
  assert.deepEqual([chat.state, chat.detail.reason], ['reconnecting', 'Error: down']);
  isDown = false;
  server.reconnects();
  await server.welcome();
  assert.equal(chat.state, 'connected');
});

inWorld('a token is refreshed before it expires, and again after a failure', async (world) => {
  let given = 0;
  const token = () => `t${++given}`;
  const { chat, server } = begin(world, { token, silenceMs: Infinity });
  const stop = keepToken(chat, token);
  await server.welcome({ tokenTtlS: 400 });
  world.pass(339999);
  server.push('ping');
  await settle();
  assert.equal(server.sent('refresh').length, 0);
  world.pass(1);
  await settle();
  assert.deepEqual(server.sent('refresh'), [{ token: 't2' }]);
  server.refuse('refresh', 108, { temporary: true });
  await settle();
  world.pass(5000);
  await settle();
  server.reply('refresh', { tokenTtlS: 40 });
  await settle();
  world.pass(30000);
  await settle();
  assert.deepEqual(server.sent('refresh').map(({ token: sent }) => sent), ['t2', 't3', 't4']);
  chat.close();
  assert.equal(world.timerCount, 0);
  stop();
});

inWorld('a Hello that is refused for now is tried again after the time that the server asks for', async (world) => {
  const { chat, server } = begin(world);
  world.open();
  await settle();
  server.refuse('hello', 111, { temporary: true, retryMs: 7000 });
  assert.equal(chat.state, 'reconnecting');
  assert.ok(chat.detail.delayMs >= 7500, String(chat.detail.delayMs));
  world.pass(10000);
  world.open();
  await settle();
  // And one without an answer.
  world.pass(10000);
  assert.equal(chat.state, 'reconnecting');
});

inWorld('a nick that is taken closes the chat, and another one opens it again with rooms and messages', async (world) => {
  const { chat, server } = begin(world, { nick: 'Ada' });
  const room = chat.join('lobby');
  room.send('early');
  world.open();
  await settle();
  server.refuse('hello', 124, { reason: 'NICK_TAKEN' });
  assert.deepEqual([chat.state, chat.detail.error.reason], ['closed', 'NICK_TAKEN']);
  chat.connect({ nick: 'Bea' });
  assert.equal(chat.state, 'connecting');
  await server.welcome({ nick: 'Bea' });
  server.admit();
  assert.deepEqual([server.sent('hello')[0].nick, server.sent('chat')[0].message], ['Bea', 'early']);
});

inWorld('after 45xx it is closed for good, except after 4502', async (world) => {
  for (const [code, state] of [[4503, 'closed'], [4507, 'closed'], [4509, 'closed'], [4502, 'reconnecting'], [4005, 'reconnecting']]) {
    const { chat, server } = begin(world);
    await server.welcome();
    server.breakLine(code);
    assert.deepEqual([chat.state, chat.detail.code], [state, code]);
    chat.close();
  }
});

inWorld('a server that goes away is left after the time that it tells, for the endpoint that it tells', async (world) => {
  const { chat, states, server, room } = await inRoom(world);
  server.push('goingAway', { code: 4001, reason: 'drain', delayMs: 4000, endpoint: 'ws://other/' });
  assert.deepEqual([chat.state, chat.detail], ['draining', { code: 4001, reason: 'drain', delayMs: 4000, endpoint: 'ws://other/' }]);
  // It is served until then.
  const message = room.send('still here');
  assert.equal(message.state, 'sent');
  world.pass(3999);
  assert.equal(chat.state, 'draining');
  world.pass(1);
  assert.deepEqual([chat.state, world.socket.url, message.state], ['reconnecting', 'ws://other/', 'queued']);
  world.breakLine();
  server.reconnects();
  // That one did not work.
  assert.equal(world.socket.url, 'ws://host/');
  await server.welcome();
  server.admit({ wasRecovering: true, recovered: true });
  assert.deepEqual(server.sent('chat').map(({ message: text }) => text), ['still here']);
  assert.deepEqual(states.slice(1), ['draining', 'reconnecting', 'reconnecting', 'connected']);
});

inWorld('a server that closes before the time that it told is not asked earlier', async (world) => {
  const { server, chat } = await inRoom(world);
  server.push('goingAway', { code: 4001, delayMs: 9000 });
  world.pass(1000);
  server.breakLine(4001);
  assert.equal(chat.detail.delayMs, 8000);
  world.pass(7999);
  world.wake('online');
  assert.equal(world.sockets.length, 1);
  world.pass(1);
  assert.equal(world.sockets.length, 2);
});

inWorld('an endpoint that is not a WebSocket, or not an encrypted one, is ignored', async (world) => {
  for (const [url, endpoint] of [['ws://host/', 'http://other/'], ['wss://host/', 'ws://other/'], ['ws://host/', '']]) {
    const chat = new Chat(url, { WebSocket: world.WebSocket });
    const server = new Server(world);
    await server.welcome();
    server.push('goingAway', { delayMs: 0, endpoint });
    world.pass(1);
    assert.equal(world.socket.url, url);
    chat.close();
  }
});

inWorld('after a change of network the connection is tried by a call, and lost after 3 seconds of silence', async (world) => {
  const { chat, server } = await inRoom(world);
  world.wake('online');
  assert.deepEqual(server.sent('rooms'), [{ limit: 1 }]);
  server.reply('rooms');
  world.pass(3000);
  assert.equal(chat.state, 'connected');
  world.pass(5000);
  world.wake('online');
  world.pass(3000);
  assert.equal(chat.state, 'reconnecting');
});

// ---- what is received ----

const push = (server, name, json) => server.world.receive([TYPE[name]], json);

inWorld('every field has its type and an absent one its default, and positions are exact', async (world) => {
  const { server, room, events } = await inRoom(world);
  push(server, 'chat', '{"room":"lobby","epoch":"18446744073709551615","offset":"9007199254740993","message":null,"unknown":{}}');
  assert.deepEqual(events[0][1], {
    message: '', sender: '', timestamp: '', room: 'lobby', offset: 9007199254740993n, epoch: 18446744073709551615n,
    clientMsgId: '', userId: '', tsMs: 0n, replyTo: 0n, deleted: false, editedMs: 0n, reactions: new Map(),
    traceparent: undefined,
  });
  server.breakLine();
  await server.back();
  assert.deepEqual(server.sent('join')[0].recover, { epoch: '18446744073709551615', offset: '9007199254740993' });
});

inWorld('a value of another type than its field\'s reaches nobody, and is told as an error', async (world) => {
  const { chat, server, events } = await inRoom(world);
  const reasons = [];
  chat.on('error', ({ reason }) => reasons.push(reason));
  const frames = [
    ...['7', '{}', '[]', 'true'].map((value) => ['chat', `"message":${value}`]),
    ...['"x"', '{}', '1.5', '"1.5"', '"0x"'].map((value) => ['chat', `"offset":${value}`]),
    ...['1', '"true"', '{}'].map((value) => ['chat', `"deleted":${value}`]),
    ...['[{"count":"1"}]', '{"a":null}', '{"a":{"count":[]}}'].map((value) => ['chat', `"reactions":${value}`]),
    ...['"1"', 'true', '{}'].map((value) => ['presenceDiff', `"total":${value}`]),
    ...['{}', '7', '"ab"', '[null]', '[{"away":0}]'].map((value) => ['presenceDiff', `"joins":${value}`]),
    ...['[7]', '[null,[]]'].map((value) => ['presenceDiff', `"leaves":${value}`]),
    ...['"constructor"', '"toString"', '"__proto__"'].map((value) => ['typing', `"state":${value}`]),
  ];
  for (const [name, field] of frames) {
    push(server, name, `{"room":"lobby","version":"9","epoch":"1","offset":"99",${field}}`);
  }
  for (const json of ['null', '{', '\xff']) {
    push(server, 'chat', json);
  }
  assert.deepEqual([events, reasons.length], [[], frames.length + 3]);
  assert.ok(reasons.every((reason) => reason === 'BAD_FRAME'));
  assert.equal(chat.state, 'connected');
});

inWorld('what is sent about a room before the answer to Hello is ignored', async (world) => {
  const { chat, server } = begin(world);
  const room = chat.join('lobby');
  world.open();
  await settle();
  server.push('typing', { room: 'lobby', userId: 'u2', nick: 'Bob', state: 'TYPING_ACTIVE' });
  server.push('left', { room: 'lobby', code: 112 });
  server.push('read', { room: 'lobby', offset: '9' });
  world.pass(5000);
  assert.deepEqual([server.sent('join'), room.state, room.typing.size, room.readOffset], [[], 'joining', 0, 0n]);
});

inWorld('the value of an enum that is not known is 0, and a number is kept', async (world) => {
  const { server, events } = await inRoom(world);
  server.event(11, 'EVENT_LATER');
  server.event(12, 77);
  assert.deepEqual(events.map(([, { kind }]) => kind), [0, 77]);
});

// ---- membership ----

inWorld('a room is joined as soon as there is a connection, the default room without a name', async (world) => {
  const { chat, server } = begin(world);
  const [first, second] = [chat.join(), chat.join('books', { history: 5, presence: false })];
  await server.welcome();
  assert.deepEqual(server.sent('join'), [{ room: 'lobby', history: 50, presence: true }, { room: 'books', history: 5 }]);
  assert.deepEqual([first.name, first.state, chat.join(), chat.join('lobby')], ['lobby', 'joining', first, first]);
  const items = [{ offset: '3', epoch: '1', message: 'three', userId: 'u2' }];
  server.reply('join', {
    room: 'lobby', epoch: '1', offset: '3', items, moreBefore: true, topic: 'T', readOffset: '2', unread: 1, online: 9,
    slowModeS: 5, permissions: { send: true }, presence: { version: '4', members: [{ userId: 'u2', nick: 'Bob' }], total: 9 },
  }, 0);
  assert.deepEqual([first.state, texts(first), first.window.moreBefore, first.topic, first.readOffset, first.unread],
    ['joined', ['three'], true, 'T', 2n, 1]);
  assert.deepEqual([first.online, first.slowModeS, first.permissions.send, first.members.get('u2').nick], [9, 5, true, 'Bob']);
  assert.deepEqual([second.state, chat.rooms], ['joining', [first, second]]);
});

inWorld('that a room is joined is told before anything else about it', async (world) => {
  const { chat, server } = begin(world);
  await server.welcome();
  const room = chat.join('lobby');
  const told = [];
  for (const name of ['joined', 'presence', 'change']) {
    room.on(name, () => told.push([name, room.unread]));
  }
  server.admit({ unread: 3, presence: { version: '1', total: 1, members: [{ userId: 'u2' }] } });
  assert.deepEqual(told.map(([name]) => name), ['joined', 'change', 'presence', 'change']);
  assert.deepEqual([told[0][1], [...room.members.keys()]], [3, ['u2']]);
});

inWorld('messages and events come in order, once, and only to their room', async (world) => {
  const { chat, server, room, events } = await inRoom(world);
  const other = chat.join('books');
  server.reply('join', { room: 'books', epoch: '5', offset: '0' });
  server.chat(11);
  server.chat(11);
  server.event(12, 'EVENT_EDIT', { target: '11', text: 'edited', tsMs: '77' });
  server.chat(9);
  server.push('chat', { room: 'books', epoch: '5', offset: '1', message: 'book' });
  server.push('chat', { room: 'unknown', epoch: '5', offset: '2', message: 'nobody' });
  server.event(13, 'EVENT_TOPIC', { text: 'the topic' });
  assert.deepEqual(events.map(([name, { offset }]) => [name, offset]), [['message', 11n], ['event', 12n], ['event', 13n]]);
  assert.deepEqual([texts(room), room.messages[0].editedMs, room.topic, room.place], [['edited'], 77n, 'the topic', { epoch: 1n, offset: 13n }]);
  assert.deepEqual(texts(other), ['book']);
});

inWorld('after a lost connection it joins with its place, and what was missed comes as if live', async (world) => {
  const { server, room, names, events } = await inRoom(world);
  server.chat(11);
  server.breakLine();
  assert.equal(room.state, 'joining');
  server.reconnects();
  await server.welcome();
  assert.deepEqual(server.sent('join')[0].recover, { epoch: '1', offset: '11' });
  // A push before the answer belongs to nothing.
  server.chat(12, { message: 'too early' });
  server.admit({ offset: '13', wasRecovering: true, recovered: true });
  server.chat(12);
  server.chat(13);
  server.chat(14);
  assert.deepEqual(names(), ['message', 'recovered', 'message', 'message', 'message']);
  assert.deepEqual([texts(room), events[1][1].recovered], [['m11', 'm12', 'm13', 'm14'], true]);
});

inWorld('when too much was missed the newest page replaces what is there, and the gap is told', async (world) => {
  const { server, room } = await inRoom(world);
  server.chat(11);
  const gaps = [];
  room.on('gap', (reply, place) => gaps.push([reply.offset, place]));
  server.breakLine();
  const items = [{ offset: '90', epoch: '2', message: 'new', userId: 'u3' }];
  await server.back({ epoch: '2', offset: '95', wasRecovering: true, items, moreBefore: true });
  assert.deepEqual(gaps, [[95n, { epoch: 1n, offset: 11n }]]);
  assert.deepEqual([texts(room), room.window.moreBefore, room.place], [['new'], true, { epoch: 2n, offset: 95n }]);
  // The page is as of 95.
  server.event(94, 'EVENT_DELETE', { epoch: '2', target: '90' });
  assert.deepEqual(texts(room), ['new']);
});

inWorld('a join that is refused for now is tried again, another one ends the room', async (world) => {
  const { chat, server } = begin(world);
  await server.welcome();
  for (const [code, more] of [[111, { temporary: true, retryMs: 3000 }], [108, { temporary: true }], [100, {}]]) {
    const room = chat.join('lobby');
    server.refuse('join', code, more);
    const before = server.sent('join').length;
    world.pass(more.retryMs ?? 0);
    assert.deepEqual([room.state, server.sent('join').length], ['joining', before]);
    server.until(() => server.sent('join').length);
    server.admit();
    assert.equal(room.state, 'joined');
    room.leave();
    assert.equal(server.sent('leave').at(-1).room, 'lobby');
  }
  const room = chat.join('lobby');
  const waiting = stored(room, room.send('never'));
  server.refuse('join', 121, { reason: 'BANNED', message: 'until tomorrow' });
  assert.deepEqual([room.state, room.left.code, room.left.reason, room.left.message], ['left', 121, 'BANNED', 'until tomorrow']);
  assert.equal(await reasonOf(waiting), 'DISCARDED');
  assert.throws(() => room.send('late'), { reason: 'NOT_JOINED' });
  assert.notEqual(chat.join('lobby'), room);
});

inWorld('a join whose answer was late is undone and made again', async (world) => {
  const { chat, server } = begin(world);
  await server.welcome();
  const room = chat.join('lobby');
  world.pass(10000);
  world.pass(2000);
  server.refuse('join', 105);
  assert.equal(server.sent('leave').length, 1);
  world.pass(20000);
  server.admit();
  assert.equal(room.state, 'joined');
});

inWorld('who is removed from a room stays out', async (world) => {
  const { chat, server, room } = await inRoom(world);
  server.push('left', { room: 'lobby', code: 103, reason: 'be kind' });
  assert.deepEqual([room.state, room.left.code, room.left.reason, chat.rooms], ['left', 103, 'be kind', []]);
  server.breakLine();
  server.reconnects();
  await server.welcome();
  assert.deepEqual(server.sent('join'), []);
});

// ---- sending ----

inWorld('a message is there at once, is stored by its own push, and the next one follows then', async (world) => {
  const { server, room } = await inRoom(world);
  const [one, two] = [room.send('one'), room.send('two', { replyTo: 4n })];
  assert.deepEqual(room.outgoing.map(({ text, state }) => [text, state]), [['one', 'sent'], ['two', 'queued']]);
  assert.deepEqual(server.sent('chat'), [{ message: 'one', room: 'lobby', clientMsgId: one.clientMsgId }]);
  server.chat(11, { userId: 'u1', clientMsgId: one.clientMsgId, message: 'one' });
  assert.deepEqual([one.state, one.offset, (await stored(room, one)).offset, texts(room)], ['stored', 11n, 11n, ['one']]);
  assert.deepEqual(server.sent('chat')[1], { message: 'two', room: 'lobby', clientMsgId: two.clientMsgId, replyTo: '4' });
  server.reply('chat', { offset: '11', epoch: '1' }, 0);
  assert.equal(two.state, 'sent');
  server.reply('chat', { offset: '12', epoch: '1' });
  assert.deepEqual([two.state, two.offset, room.outgoing], ['stored', 12n, []]);
  assert.notEqual(one.clientMsgId, two.clientMsgId);
  assert.ok(one.clientMsgId.length <= 64);
});

inWorld('another person\'s message with the same id acknowledges nothing', async (world) => {
  const { server, room } = await inRoom(world);
  const one = room.send('one');
  server.chat(11, { userId: 'u2', clientMsgId: one.clientMsgId });
  assert.equal(one.state, 'sent');
});

inWorld('messages wait while offline, 100 of them, and go in order with their ids', async (world) => {
  const { server, room } = await inRoom(world);
  const first = room.send('0');
  server.breakLine();
  assert.equal(first.state, 'queued');
  for (let i = 1; i < 100; i += 1) {
    room.send(String(i));
  }
  assert.throws(() => room.send('100'), { reason: 'OUTBOX_FULL' });
  const ids = room.outgoing.map(({ clientMsgId }) => clientMsgId);
  assert.equal(new Set(ids).size, 100);
  await server.back();
  for (let i = 0; i < 100; i += 1) {
    server.reply('chat', { offset: String(11 + i) });
  }
  assert.deepEqual(server.sent('chat').map(({ clientMsgId }) => clientMsgId), ids);
  assert.deepEqual(room.outgoing, []);
});

inWorld('a message whose answer was lost is not sent again when what was missed has it', async (world) => {
  const { server, room } = await inRoom(world);
  const [one, two] = [room.send('one'), room.send('two')];
  server.breakLine();
  await server.back({ offset: '12', wasRecovering: true, recovered: true });
  assert.deepEqual(server.sent('chat'), []);
  server.chat(11, { userId: 'u1', clientMsgId: one.clientMsgId });
  server.chat(12);
  world.pass(0);
  assert.deepEqual([one.state, server.sent('chat').map(({ message }) => message)], ['stored', ['two']]);
  // The same when the page that replaces all has it.
  server.breakLine();
  const items = [{ offset: '13', epoch: '1', userId: 'u1', clientMsgId: two.clientMsgId }];
  await server.back({ epoch: '1', offset: '13', wasRecovering: true, items });
  assert.deepEqual([two.state, server.sent('chat')], ['stored', []]);
});

inWorld('what is sent while messages are missing waits for them, and nothing that the server has is sent again', async (world) => {
  const { server, room } = await inRoom(world);
  const [one, two] = [room.send('one'), room.send('two')];
  room.on('recovered', () => room.send('three'));
  server.breakLine();
  await server.back({ offset: '12', wasRecovering: true, recovered: true });
  assert.deepEqual(server.sent('chat'), []);
  server.chat(11, { userId: 'u1', clientMsgId: one.clientMsgId });
  server.chat(12, { userId: 'u1', clientMsgId: two.clientMsgId });
  assert.deepEqual(server.sent('chat').map(({ message }) => message), ['three']);
  // The same with a page that has several of them.
  const [four, five] = [room.send('four'), room.send('five')];
  server.breakLine();
  const items = [room.outgoing[0], four, five].map(({ clientMsgId }, i) => ({ offset: String(13 + i), epoch: '1', userId: 'u1', clientMsgId }));
  await server.back({ epoch: '1', offset: '15', wasRecovering: true, items });
  assert.deepEqual([room.outgoing, server.sent('chat')], [[], []]);
  // A server that does not send what it counts is not waited for.
  room.send('six');
  server.breakLine();
  await server.back({ offset: '20', wasRecovering: true, recovered: true });
  world.pass(3000);
  assert.deepEqual(server.sent('chat').map(({ message }) => message), ['six']);
});

inWorld('a guest that has become another user still knows the message that was sent before', async (world) => {
  const { server, room } = await inRoom(world);
  const one = room.send('one');
  server.breakLine();
  server.reconnects();
  await server.welcome({ userId: 'u7' });
  server.admit({ offset: '11', wasRecovering: true, recovered: true });
  server.chat(11, { userId: 'u1', clientMsgId: one.clientMsgId });
  world.pass(0);
  assert.deepEqual([one.state, server.sent('chat')], ['stored', []]);
});

inWorld('a busy server gets the message again after its time, and those after it later still', async (world) => {
  for (const [code, reason] of [[111, 'BUSY'], [108, 'UNAVAILABLE'], [108, 'UNKNOWN'], [100, 'INTERNAL']]) {
    const { chat, server, room } = await inRoom(world);
    room.send('one');
    server.refuse('chat', code, { reason, temporary: true, retryMs: 3000 });
    room.send('two');
    world.pass(3000);
    assert.deepEqual(server.sent('chat').map(({ message }) => message), ['one']);
    world.pass(1000);
    const [first, again] = server.sent('chat');
    assert.deepEqual(again, first);
    server.reply('chat', { offset: '11', duplicate: true });
    assert.deepEqual(server.sent('chat').map(({ message }) => message), ['one', 'one', 'two']);
    chat.close();
  }
});

inWorld('a message without an answer is sent again with the same id', async (world) => {
  const { server, room } = await inRoom(world);
  room.send('one');
  world.pass(10000);
  world.pass(1000);
  const [first, again] = server.sent('chat');
  assert.deepEqual(again, first);
});

inWorld('what the server refuses for a reason has failed, and does not stop the others', async (world) => {
  for (const [code, temporary] of [[103], [120, true], [121], [122], [123], [127, true]]) {
    const { chat, server, room } = await inRoom(world);
    const [one, two] = [room.send('one'), room.send('two')];
    const done = reasonOf(stored(room, one));
    server.refuse('chat', code, { reason: `R${code}`, temporary, retryMs: 9000 });
    assert.deepEqual([one.state, one.error.code, one.error.retryMs, two.state], ['failed', code, 9000, 'sent']);
    assert.equal(await done, `R${code}`);
    server.reply('chat', { offset: '11' });
    one.retry();
    assert.deepEqual([one.state, one.error, room.outgoing], ['sent', undefined, [one]]);
    server.refuse('chat', code);
    assert.equal(one.discard(), code !== 0);
    assert.deepEqual([one.state, room.outgoing], ['discarded', []]);
    chat.close();
  }
});

inWorld('one on its way cannot be discarded, one that waits can', async (world) => {
  const { server, room } = await inRoom(world);
  const [one, two, three] = ['one', 'two', 'three'].map((text) => room.send(text));
  assert.deepEqual([one.discard(), two.discard()], [false, true]);
  server.reply('chat', { offset: '11' });
  assert.deepEqual([one.state, two.state, three.state], ['stored', 'discarded', 'sent']);
});

// ---- people ----

inWorld('typing is forgotten after 6 or 30 seconds, with the message, and when its user leaves', async (world) => {
  const { server, room } = await inRoom(world);
  const type = (state, userId = 'u2') => server.push('typing', { room: 'lobby', userId, nick: userId, state });
  const who = () => [...room.typing].map(([id, { state }]) => [id, state === TypingState.TYPING_PAUSED]);
  type('TYPING_ACTIVE', 'u1');
  assert.deepEqual(who(), []);
  for (const [state, ms, isPaused] of [['TYPING_ACTIVE', 6000, false], ['TYPING_PAUSED', 30000, true]]) {
    type(state);
    world.pass(ms - 1);
    server.push('ping');
    assert.deepEqual(who(), [['u2', isPaused]]);
    world.pass(1);
    assert.deepEqual(who(), []);
  }
  for (const end of [
    () => type('TYPING_DONE'), () => server.chat(11), () => server.breakLine(),
    () => server.push('presenceDiff', { room: 'lobby', version: '9', leaves: ['u2'] }),
  ].sort((one) => (String(one).includes('breakLine') ? 1 : -1))) {
    type('TYPING_ACTIVE');
    assert.deepEqual(who(), [['u2', false]]);
    end();
    assert.deepEqual(who(), []);
  }
});

inWorld('one\'s own typing is told every 3 seconds, and its end once', async (world) => {
  const { server, room } = await inRoom(world);
  const told = () => server.sent('typing').map(({ state = 0 }) => ['ACTIVE', 'PAUSED', 'DONE'][state]);
  for (let i = 0; i < 61; i += 1) {
    room.type();
    world.pass(100);
  }
  assert.deepEqual(told(), ['ACTIVE', 'ACTIVE', 'ACTIVE']);
  room.type(TypingState.TYPING_PAUSED);
  room.type(TypingState.TYPING_PAUSED);
  room.type(TypingState.TYPING_DONE);
  room.type(TypingState.TYPING_DONE);
  assert.deepEqual(told().slice(3), ['PAUSED', 'DONE']);
  world.pass(3000);
  room.type();
  room.send('the message ends it');
  room.type(TypingState.TYPING_DONE);
  assert.deepEqual(told().slice(5), ['ACTIVE']);
});

inWorld('members are the list and the diffs above its version', async (world) => {
  const presence = { version: '7', members: [{ userId: 'u2', nick: 'Bob' }, { userId: 'u3', nick: 'Cy' }], total: 2 };
  const { server, room, names } = await inRoom(world, {}, {}, { presence });
  const diff = (version, more) => server.push('presenceDiff', { room: 'lobby', version: String(version), ...more });
  diff(7, { leaves: ['u2'], total: 1 });
  assert.deepEqual([...room.members.keys()], ['u2', 'u3']);
  diff(9, { joins: [{ userId: 'u4', nick: 'Di' }, { userId: 'u2', nick: 'Bob', away: true }], leaves: ['u3'], total: 2 });
  assert.deepEqual([...room.members].map(([id, { away }]) => [id, away]), [['u2', true], ['u4', false]]);
  diff(12, { truncated: true, total: 5000 });
  assert.deepEqual([room.members.size, room.online], [0, 5000]);
  assert.deepEqual(names(), ['presence', 'presence']);
});

inWorld('what was read only grows, is told once a second, and again after a lost connection', async (world) => {
  const { server, room } = await inRoom(world, {}, {}, { readOffset: '4', unread: 3 });
  [11, 12, 13].forEach((offset) => server.chat(offset));
  assert.equal(room.unread, 6);
  room.read(11n);
  world.pass(0);
  room.read(12n);
  room.read(5n);
  room.read();
  assert.deepEqual([room.unread, room.readOffset], [0, 13n]);
  world.pass(999);
  assert.deepEqual(server.sent('read').map(({ offset }) => offset), ['11']);
  world.pass(1);
  assert.deepEqual(server.sent('read').map(({ offset }) => offset), ['11', '13']);
  server.push('read', { room: 'lobby', offset: '12', unread: 9 });
  assert.equal(room.unread, 0);
  server.chat(14);
  server.push('read', { room: 'lobby', offset: '14', unread: 0 });
  assert.deepEqual([room.unread, room.readOffset], [0, 14n]);
  server.breakLine();
  await server.back({ readOffset: '13', wasRecovering: true, recovered: true });
  world.pass(1000);
  assert.deepEqual(server.sent('read').map(({ offset }) => offset), ['14']);
});

inWorld('one\'s own message is read', async (world) => {
  const { server, room } = await inRoom(world);
  server.chat(11);
  server.chat(12, { userId: 'u1' });
  assert.deepEqual([room.unread, room.readOffset], [0, 12n]);
});

inWorld('activity and reading of rooms that are not joined, and errors without a call, are told', async (world) => {
  const { chat, server } = begin(world);
  const told = [];
  for (const name of ['roomActivity', 'read', 'error']) {
    chat.on(name, ({ room, code }) => told.push([name, room ?? code]));
  }
  await server.welcome();
  server.push('roomActivity', { room: 'books', unread: 4 });
  server.push('read', { room: 'books', offset: '4' });
  world.receive([ERROR + TYPE.typing], '{"code":103}');
  assert.deepEqual(told, [['roomActivity', 'books'], ['read', 'books'], ['error', 103]]);
});

// ---- mistakes ----

inWorld('calls fail while there is no connection, and nothing is left of them', async (world) => {
  const { chat, server, room } = await inRoom(world);
  const edit = room.call('edit', { offset: 10n, text: 'x' });
  server.breakLine();
  const reasons = await Promise.all([edit, chat.call('rooms', {}), room.loadOlder()].map(reasonOf));
  assert.deepEqual(reasons, ['DISCONNECTED', 'DISCONNECTED', 'DISCONNECTED']);
});

inWorld('a listener that throws stops neither the others nor the room', async (world) => {
  const { server, room } = await inRoom(world);
  const heard = [];
  room.on('message', () => { throw new Error('mine'); });
  room.on('message', ({ offset }) => heard.push(offset));
  server.chat(11);
  server.chat(12);
  assert.deepEqual([heard, await world.reported()], [[11n, 12n], ['mine', 'mine']]);
});

await run();
