// The codecs against protobuf-es, on random messages, and on invalid bytes and JSON.

import assert from 'node:assert/strict';

import { run, test } from '../lib/tap.mjs';
import { CASES, generate, generatePeer, load, temporaryFolder } from './build.mjs';
import { Chance, hostileBytes, hostileJson, randomMessage } from './chance.mjs';

const MESSAGES = ['Singular', 'Optional', 'Repeated', 'Maps', 'Choice'];
const ROUNDS = 600;
const HOSTILE_ROUNDS = 400;

const folder = temporaryFolder();
generate(CASES, ['aliases.proto', 'every.proto', 'names.proto', 'deep/v1/words.proto'], folder);
generatePeer(CASES, ['aliases.proto', 'every.proto', 'deep/v1/words.proto'], folder);
const { stoa, ours, names, aliases, peer, theirs, theirAliases, wire } = await load(`
  export * as stoa from '@stoa/client';
  export * as ours from './every.stoa.js';
  export * as names from './names.stoa.js';
  export * as aliases from './aliases.stoa.js';
  export * as peer from '@bufbuild/protobuf';
  export * as theirs from './every_pb.js';
  export * as theirAliases from './aliases_pb.js';
  export * as wire from '@bufbuild/protobuf/wire';
`, folder);

const { create, decodeBinary, decodeJson, encodeBinary, encodeJson } = stoa;
const throughText = (json) => JSON.parse(JSON.stringify(json));
const bytesOf = (hex) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

function assertSame(schema, one, other) {
  assert.deepEqual(peer.toJson(schema, other), peer.toJson(schema, one));
  assert.deepEqual(peer.toBinary(schema, other), peer.toBinary(schema, one));
}

for (const name of MESSAGES) {
  test(`${ROUNDS} random messages ${name} are the same to protobuf-es, in bytes and in JSON, both ways`, async () => {
    const chance = new Chance(name.length);
    const [type, schema] = [ours[name], theirs[`${name}Schema`]];
    for (let round = 0; round < ROUNDS; round += 1) {
      const message = randomMessage(peer, schema, chance);
      const fromBytes = decodeBinary(type, peer.toBinary(schema, message));
      assertSame(schema, message, peer.fromBinary(schema, encodeBinary(type, fromBytes)));
      assertSame(schema, message, peer.fromJson(schema, throughText(encodeJson(type, fromBytes))));
      // Not through text, where the peer's -0 would lose its sign.
      const fromText = decodeJson(type, peer.toJson(schema, message));
      assertSame(schema, message, peer.fromBinary(schema, encodeBinary(type, fromText)));
      const byName = decodeJson(type, peer.toJson(schema, message, { useProtoFieldName: true }));
      assert.deepEqual(byName, fromText);
    }
  });
}

const outcome = (decode) => {
  try {
    return { value: decode() };
  } catch (error) {
    return { error };
  }
};

// What protobuf-es accepts and we refuse, by what our error says, and why.
const STRICTER_IN_BYTES = [
  [/utf-8/i, 'proto3 strings are UTF-8, and protobuf-es shows replacement characters for what is not'],
  [/wrong length/, 'protobuf-es reads beyond the end of a part, into what follows it'],
  [/wrong varint/, 'a number has at most ten bytes, and protobuf-es skips longer ones'],
  [/wrong tag/, 'protobuf-es reads tags of more than 32 bits, and ends of groups that never began'],
];
// The same by the JSON text.
const STRICTER_IN_JSON = [
  [/"0x10"/, 'JSON has no hexadecimal numbers'],
  [/" 1"|"1 "|" "/, 'a number in quotes has no blanks around it'],
  [/1e\+40|10000000000|4294967296/, 'the number of an enum has 32 bits'],
  [/"=="|"a"/, 'padding without digits, or one digit alone, is no base64'],
  [/f_bool/, 'the field comes twice, under both its names'],
  [/"colours":/, 'the key of a map is checked also where its value is left out'],
];

// Where one value of a map has a name that the enum does not have, we leave out this entry, protobuf-es all of them.
// Where null comes after a value, under the field's other name, we take it for nothing, protobuf-es for 0.
// A number in quotes is one to us where an enum is wanted, as in C; to protobuf-es it is a name that it does not know.
const MEANT_OTHERWISE = /"colours":\{[^}]*:"(?!RED|BLUE|GREEN)|"f_bool":null|"(fEnum|colour|tone)":(\[[^\]]*)?"-?\d/;

function assertReason(reasons, text, what) {
  assert.ok(reasons.some(([pattern]) => pattern.test(text)), `only we refused, ${text}: ${what}`);
}

// Does a known field come with another wire type, or a field in a map's entry that has no business there? We skip it,
// as Protobuf's own parsers do; protobuf-es takes it for something else.
function hasOddFields(fields, bytes, isEntry = false) {
  const reader = new wire.BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const field = fields.find((one) => one.number === number);
    if (field ? !wireTypes(field).includes(type) : isEntry) {
      return true;
    }
    const inside = type === 2 ? reader.bytes() : reader.skip(type, number);
    if (field?.fieldKind === 'map') {
      const entry = [{ number: 1, scalar: field.mapKey }, { number: 2, scalar: field.scalar, message: field.message }];
      if (hasOddFields(entry, inside, true)) {
        return true;
      }
    } else if (field?.message && hasOddFields(field.message.fields, inside)) {
      return true;
    }
  }
  return false;
}

function wireTypes({ fieldKind, message, scalar }) {
  if (fieldKind === 'map' || message || scalar === 9 || scalar === 12) {
    return [2];
  }
  const one = { 1: 1, 6: 1, 16: 1, 2: 5, 7: 5, 15: 5 }[scalar] ?? 0;
  return fieldKind === 'list' ? [one, 2] : [one];
}

function assertSameOutcome(name, mine, other, reasons, told, what) {
  const schema = theirs[`${name}Schema`];
  if (mine.error && !other.error) {
    assertReason(reasons, told ?? mine.error.message, what);
  } else if (mine.value) {
    assert.ok(!other.error, `only protobuf-es refused ${what}: ${other.error?.message}`);
    // What neither knows is not kept by us.
    const again = peer.fromBinary(schema, encodeBinary(ours[name], mine.value));
    // Through bytes, which have no -0 in whole numbers and no float of 64 bits.
    const meant = peer.fromBinary(schema, peer.toBinary(schema, other.value));
    assert.deepEqual(peer.toJson(schema, again), peer.toJson(schema, meant), what);
  }
}

for (const name of MESSAGES) {
  test(`${HOSTILE_ROUNDS} broken encodings of ${name} decode as with protobuf-es, or are refused`, async () => {
    const chance = new Chance(100 + name.length);
    const [type, schema] = [ours[name], theirs[`${name}Schema`]];
    let compared = 0;
    while (compared < HOSTILE_ROUNDS) {
      const bytes = hostileBytes(peer.toBinary(schema, randomMessage(peer, schema, chance)), chance);
      const mine = outcome(() => decodeBinary(type, bytes));
      const odd = outcome(() => hasOddFields(schema.fields, bytes));
      if (mine.error || odd.value === false) {
        const other = outcome(() => peer.fromBinary(schema, bytes));
        assertSameOutcome(name, mine, other, STRICTER_IN_BYTES, undefined, Buffer.from(bytes).toString('hex'));
        compared += 1;
      }
    }
  });

  test(`${HOSTILE_ROUNDS} odd JSON texts of ${name} decode as with protobuf-es, or are refused`, async () => {
    const chance = new Chance(200 + name.length);
    const [type, schema] = [ours[name], theirs[`${name}Schema`]];
    for (let round = 0; round < HOSTILE_ROUNDS; round += 1) {
      const json = hostileJson(throughText(peer.toJson(schema, randomMessage(peer, schema, chance))), chance);
      const text = JSON.stringify(json);
      if (MEANT_OTHERWISE.test(text)) {
        continue;
      }
      const mine = outcome(() => decodeJson(type, json));
      const other = outcome(() => peer.fromJson(schema, json, { ignoreUnknownFields: true }));
      assertSameOutcome(name, mine, other, STRICTER_IN_JSON, text, text);
    }
  });
}

test('a field of another wire type and an unknown group are skipped, whatever is in them', async () => {
  assert.deepEqual(decodeBinary(ours.Choice, bytesOf('2a0141 2805')).between, 5);
  assert.deepEqual(decodeBinary(ours.Choice, bytesOf('fb01 0801 120161 1b1c fc01 2805')).between, 5);
});

test('groups that do not end, end elsewhere or nest too deep are refused', async () => {
  for (const hex of ['fb01', 'fb01 0801', 'fb01 1c', '1c', `${'fb01'.repeat(40)}${'fc01'.repeat(40)}`]) {
    assert.throws(() => decodeBinary(ours.Choice, bytesOf(hex)), hex);
  }
});

test('unknown groups nest as deep as messages, and no deeper', async () => {
  const groups = (levels) => bytesOf(`${'fb01'.repeat(levels)}${'fc01'.repeat(levels)}`);
  assert.ok(decodeBinary(ours.Choice, groups(31)));
  assert.throws(() => decodeBinary(ours.Choice, groups(32)));
});

test('a whole number is never -0', async () => {
  for (const json of [-0, '-0']) {
    assert.ok(Object.is(decodeJson(ours.Singular, { fInt32: json }).fInt32, 0));
    assert.equal(decodeJson(ours.Singular, { fInt64: json }).fInt64, 0n);
  }
});

test('a number in quotes is a number of an enum too, and has to fit', async () => {
  assert.deepEqual(decodeJson(ours.Repeated, { fEnum: ['7', '-3', '99'] }).fEnum, [7, -3, 99]);
  assert.throws(() => decodeJson(ours.Repeated, { fEnum: ['2147483648'] }));
});

test('numbers, lengths and texts that are cut short or too long are refused', async () => {
  for (const hex of ['28', '2880', '28ffffffffffffffffffff01', '0a05 61', '0affffffff0f', '39 0000', '00', '0a01ff', '0a03eda080']) {
    assert.throws(() => decodeBinary(ours.Choice, bytesOf(hex)), hex);
  }
});

test('a text keeps its byte order mark and its zeros', async () => {
  const message = decodeBinary(ours.Choice, bytesOf('0a05 efbbbf 00 61'));
  assert.equal(message.before, '\ufeff\u0000a');
  assert.deepEqual(encodeBinary(ours.Choice, message), bytesOf('0a05 efbbbf 00 61'));
});

test('a message that comes in two parts is one, and the last member of a oneof counts', async () => {
  const merged = decodeBinary(ours.Choice, bytesOf('1a022805 1a024001'));
  assert.deepEqual([merged.message.fInt32, merged.message.fBool], [5, true]);
  const last = decodeBinary(ours.Choice, bytesOf('1a022805 120161'));
  assert.deepEqual([last.text, 'message' in last], ['a', false]);
});

test('packed and unpacked forms are read alike', async () => {
  for (const hex of ['2a020102', '2801 2802', '2801 2a0102']) {
    assert.deepEqual(decodeBinary(ours.Repeated, bytesOf(hex)).fInt32, [1, 2]);
  }
  assert.deepEqual(decodeBinary(ours.Repeated, bytesOf('9201020102')).unpacked, [1, 2]);
});

test('messages of 32 levels are read and written, of 33 refused', async () => {
  const nest = (levels) => (levels === 1 ? {} : { fMessage: nest(levels - 1) });
  const bytes = encodeBinary(ours.Singular, nest(32));
  assert.ok(decodeBinary(ours.Singular, bytes));
  assert.ok(decodeJson(ours.Singular, encodeJson(ours.Singular, nest(32))));
  assert.throws(() => encodeBinary(ours.Singular, nest(33)));
  assert.throws(() => encodeJson(ours.Singular, nest(33)));
  assert.throws(() => decodeJson(ours.Singular, nest(33)));
  assert.throws(() => decodeBinary(ours.Singular, Uint8Array.from([0x52, bytes.length, ...bytes])));
});

test('values that do not fit their fields are refused before anything is written', async () => {
  const wrong = [
    [ours.Singular, { fInt32: 2147483648 }], [ours.Singular, { fInt32: 1.5 }], [ours.Singular, { fUint32: -1 }],
    [ours.Singular, { fInt64: 2n ** 63n }], [ours.Singular, { fUint64: -1n }], [ours.Singular, { fInt64: 2 ** 60 }],
    [ours.Singular, { fFloat: 1e39 }], [ours.Singular, { fString: '\ud800' }], [ours.Singular, { fString: 7 }],
    [ours.Singular, { fBytes: [1] }], [ours.Singular, { fBool: 1 }], [ours.Choice, { text: '', count: 1n }],
  ];
  for (const [type, message] of wrong) {
    assert.throws(() => encodeBinary(type, message), TypeError);
    assert.throws(() => encodeJson(type, message), TypeError);
  }
});

test('JSON that is no message, has a field twice or two members of a oneof is refused', async () => {
  for (const json of [null, 1, 'a', [], { fInt64: 1e30 }, { fDouble: Infinity }, { fDouble: '1e400' }, { fBool: true, f_bool: true }]) {
    assert.throws(() => decodeJson(ours.Singular, json), JSON.stringify(json));
  }
  assert.throws(() => decodeJson(ours.Choice, { text: '', raw: '' }));
  assert.throws(() => decodeJson(ours.Repeated, { fInt32: [null] }));
  assert.throws(() => decodeJson(ours.Maps, { names: { a: null } }));
  assert.equal(decodeJson(ours.Choice, { text: '', raw: null }).text, '');
});

test('64 bits, NaN and the sign of zero survive JSON', async () => {
  const message = { ...create(ours.Singular), fInt64: -(2n ** 63n), fUint64: 2n ** 64n - 1n, fDouble: -0, fFloat: NaN };
  const json = throughText(encodeJson(ours.Singular, message));
  assert.deepEqual(json, { fDouble: '-0', fFloat: 'NaN', fInt64: '-9223372036854775808', fUint64: '18446744073709551615' });
  assert.deepEqual(decodeJson(ours.Singular, json), message);
});

test('bytes are read in both alphabets of base64, padded or not', async () => {
  for (const text of ['+/8=', '+/8', '-_8=', '-_8']) {
    assert.deepEqual(decodeJson(ours.Singular, { fBytes: text }).fBytes, Uint8Array.of(0xfb, 0xff));
  }
  for (const text of [' +/8', '+/8\n', '+ /8', '*/8', '+', '+/8===']) {
    assert.throws(() => decodeJson(ours.Singular, { fBytes: text }), text);
  }
});

test('a name of an enum that this program does not know is left out, a number is kept', async () => {
  const message = decodeJson(ours.Repeated, { fEnum: ['RED', 'MAUVE', 'GREEN', 99] });
  assert.deepEqual(message.fEnum, [0, 7, 99]);
  assert.deepEqual(encodeJson(ours.Repeated, message).fEnum, ['RED', 'GREEN', 99]);
  assert.deepEqual([...decodeJson(ours.Maps, { colours: { true: 'MAUVE', false: 'GREEN' } }).colours], [[false, 7]]);
  assert.equal(decodeJson(ours.Singular, { fEnum: 'toString' }).fEnum, 0);
});

test('a number with several names is read by each and written by the first, as protobuf-es does', async () => {
  const json = {
    speed: 'SPEED_SWIFT', state: 'done', speeds: ['SPEED_ZERO', 'SPEED_REVERSE', 7], states: { a: 'DONE', b: 'done' }, top: 'SPEED_QUICK',
  };
  const message = decodeJson(aliases.Trip, json);
  assert.deepEqual(message, { speed: 7, state: 1, speeds: [0, -1, 7], states: new Map([['a', 1], ['b', 1]]), top: 7 });
  assert.deepEqual(encodeJson(aliases.Trip, message), {
    speed: 'SPEED_FAST', state: 'DONE', speeds: ['SPEED_NONE', 'SPEED_BACK', 'SPEED_FAST'], states: { a: 'DONE', b: 'DONE' }, top: 'SPEED_FAST',
  });
  const schema = theirAliases.TripSchema;
  const other = peer.fromJson(schema, json);
  assert.deepEqual(peer.toBinary(schema, peer.fromBinary(schema, encodeBinary(aliases.Trip, message))), peer.toBinary(schema, other));
});

test('a value of an enum may have the name of the prototype', async () => {
  assert.equal(decodeJson(names.Keyed, { key: '__proto__' }).key, 1);
  assert.deepEqual(encodeJson(names.Keyed, { key: 1 }), { key: '__proto__' });
  assert.deepEqual(encodeJson(names.Keyed, { key: 2 }), { key: 'constructor' });
});

test('names that are special in JavaScript are ordinary fields', async () => {
  assert.deepEqual(encodeJson(names.string_, {}), {});
  const message = { constructor: 'c', toString: 't', hasOwnProperty: 1, class: '', object: { key: 'k' }, delete: { _1st: '' } };
  const again = decodeBinary(names.string_, encodeBinary(names.string_, message));
  assert.deepEqual([again.constructor, again.toString, again.hasOwnProperty, again.class, again.object.key], ['c', 't', 1, '', 'k']);
  const map = decodeJson(names.Map_, JSON.parse('{"map": {"__proto__": {"map": {}}}}'));
  assert.deepEqual([...map.map.keys()], ['__proto__']);
  assert.equal(JSON.stringify(encodeJson(names.Map_, map)), '{"map":{"__proto__":{}}}');
  assert.deepEqual(encodeJson(names.delete_, { quoted: 'q', foreign: 'f' }), { 'a\'b\\c"d': 'q', größe: 'f' });
});

await run();
