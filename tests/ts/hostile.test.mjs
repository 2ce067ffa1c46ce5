// The inputs of tests/conformance/hostile_cases.py: both codecs here decode them as Stoa's codecs in C do,
// or a list says why not.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { run, test } from '../lib/tap.mjs';
import { CASES, generate, load, temporaryFolder } from './build.mjs';

const CONFORMANCE = path.join(CASES, '../../conformance');
const PROTOS = ['conformance.proto', 'test_messages_proto3.proto'];
const HOSTILE = JSON.parse(readFileSync(process.env.HOSTILE_CASES, 'utf8'));
const FORMS = { binary: 'in bytes', json: 'in JSON' };

const folder = temporaryFolder();
generate(CONFORMANCE, PROTOS, folder);
const { stoa, requests, messages } = await load(`
  export * as stoa from '@stoa/client';
  export * as requests from './conformance.stoa.js';
  export * as messages from './test_messages_proto3.stoa.js';
`, folder);
const type = messages.TestAllTypesProto3;

// What we refuse and C takes, by our error and the input, and why.
const STRICTER = [
  [/64\w*": \{?"-?\d+(\.0|[eE][-+]?\d+)"/, 'the exponent of a quoted whole number of 64 bits, which no program writes'],
  [/64\w*": (-?\d{16,}|1e19)\}/, 'a number above 2^53 has lost digits in JSON.parse()'],
];
// The other way round, by C's error and the input.
const LAXER = [
  [/a duplicate (member|key) in \{/, 'of one name that comes twice, JSON.parse() keeps the last'],
  [/a surrogate without its other half in /, 'a name that nobody knows is not looked at'],
  [/nested too deeply in \{"unknown"/, 'neither is a member that nobody knows'],
  [/got "?1e-400"? in /, 'JSON.parse() and Number() make 0 of it'],
];
// What both take for different messages, by the input.
const MEANT_OTHERWISE = [];

const reasonIn = (reasons, text) => reasons.find(([pattern]) => pattern.test(text))?.[1];

function framed(bytes) {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(bytes.length);
  return [head, bytes];
}

const payloadOf = (form, hex) => (form === 'json' ? Buffer.from(hex, 'hex').toString() : Buffer.from(hex, 'hex'));

// The testee's answer to each case, in one go.
function answersOfC() {
  const input = HOSTILE.flatMap(([, form, hex]) => framed(stoa.encodeBinary(requests.ConformanceRequest, {
    [form === 'json' ? 'jsonPayload' : 'protobufPayload']: payloadOf(form, hex),
    requestedOutputFormat: requests.WireFormat.PROTOBUF,
    messageType: 'protobuf_test_messages.proto3.TestAllTypesProto3',
    testCategory: requests.TestCategory.JSON_IGNORE_UNKNOWN_PARSING_TEST,
  })));
  const { stdout, status } = spawnSync(process.env.CONFORMANCE_TESTEE, {
    input: Buffer.concat(input), maxBuffer: 2 ** 30, stdio: ['pipe', 'pipe', 'inherit'],
  });
  assert.equal(status, 0);
  const answers = [];
  for (let at = 0; at < stdout.length; ) {
    const end = at + 4 + stdout.readUInt32LE(at);
    answers.push(stoa.decodeBinary(requests.ConformanceResponse, stdout.subarray(at + 4, end)));
    at = end;
  }
  return answers;
}

function ours(form, bytes) {
  try {
    const message = form === 'json'
      ? stoa.decodeJson(type, JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)))
      : stoa.decodeBinary(type, bytes);
    // What cannot be written again was not understood.
    return { message, bytes: stoa.encodeBinary(type, message) };
  } catch (error) {
    return { error: String(error) };
  }
}

function judge(form, bytes, answer) {
  const mine = ours(form, bytes);
  const shown = form === 'json' ? bytes.toString() : bytes.toString('hex');
  const theirs = answer.protobufPayload;
  if (mine.error && !theirs) {
    return 'refused by both';
  }
  if (mine.error) {
    const why = reasonIn(STRICTER, `${mine.error} in ${shown}`);
    assert.ok(why, `only C takes ${shown}: ${mine.error}`);
    return why;
  }
  if (!theirs) {
    const why = reasonIn(LAXER, `${answer.parseError ?? answer.serializeError} in ${shown}`);
    assert.ok(why, `only we take ${shown}: ${answer.parseError ?? answer.serializeError}`);
    return why;
  }
  const isSame = Buffer.from(stoa.encodeBinary(type, stoa.decodeBinary(type, theirs))).equals(Buffer.from(mine.bytes));
  const why = isSame ? 'taken by both' : reasonIn(MEANT_OTHERWISE, shown);
  assert.ok(why, `both take ${shown}, but differ`);
  return why;
}

const answers = answersOfC();
const cases = HOSTILE.map(([kind, form, hex], index) => (
  { name: `${kind} ${FORMS[form]}`, form, hex, answer: answers[index] }
));
assert.equal(answers.length, HOSTILE.length);

for (const name of new Set(cases.map((one) => one.name))) {
  test(`${name} decodes as in C, or the list says why not`, async () => {
    const tally = new Map();
    for (const { form, hex, answer } of cases.filter((one) => one.name === name)) {
      const what = judge(form, Buffer.from(hex, 'hex'), answer);
      tally.set(what, (tally.get(what) ?? 0) + 1);
    }
    tally.forEach((number, what) => console.log(`# ${String(number).padStart(5)} ${what}`));
  });
}

await run();
