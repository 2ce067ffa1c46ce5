// An unmodified gRPC file, with numbers from names: a server in C answers a client in TypeScript.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';

import { Chatroom } from '../lib/chatroom.mjs';
import { run, test } from '../lib/tap.mjs';
import { Inbox, within } from '../lib/waiting.mjs';
import { load, temporaryFolder } from '../ts/build.mjs';

const SHAPES = path.join(path.dirname(fileURLToPath(import.meta.url)), 'shapes');

const folder = temporaryFolder();
execFileSync(process.env.PROTOC, [`--plugin=protoc-gen-stoa=${process.env.PROTOC_GEN_STOA}`,
  '--stoa_opt=ts,numbers=hash,streams=skip', `--stoa_out=${folder}`, `-I${SHAPES}`, 'chat/v1/chat.proto']);
const { ChatClient, ChatApi, protobuf } = await load(
  'export * from "./chat/v1/chat.stoa.js"; export { protobuf } from "@stoa/client";', folder);

for (const [name, protocol] of [['JSON', undefined], ['Protobuf', protobuf]]) {
  test(`a call and a message with numbers from names go both ways as ${name}`, async () => {
    const server = await Chatroom.start('127.0.0.1:0', {}, 'GRPC_SERVER');
    const client = new ChatClient(`ws://127.0.0.1:${server.port}/`, { WebSocket, protocol });
    const [states, pushed] = [new Inbox(), new Inbox()];
    try {
      client.onState((state) => states.put(state));
      client.on('typing', (message) => pushed.put(message));
      await within(states.take('the connection', (state) => state === 'connected'), 'the connection');
      const reply = await client.call('join', { room: 'hall' });
      assert.deepEqual(reply, { members: [{ name: 'ada' }] });
      assert.deepEqual(await within(pushed.take('Typing'), 'Typing'), { room: 'hall' });
    } finally {
      client.close();
      await server.kill();
    }
  });
}

test('an rpc with streams is in no client', async () => {
  assert.deepEqual(Object.keys(ChatApi.calls), ['join', 'leave']);
});

await run();
