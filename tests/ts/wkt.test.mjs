// Protobuf's well-known types, against protobuf-es and by hand.

import assert from 'node:assert/strict';

import { run, test } from '../lib/tap.mjs';
import { CASES, generate, generatePeer, load, temporaryFolder } from './build.mjs';

const folder = temporaryFolder();
generate(CASES, ['known.proto'], folder);
generatePeer(CASES, ['known.proto'], folder);
const { stoa, wkt, peer, theirs, known, theirKnown } = await load(`
  export * as stoa from '@stoa/client';
  export * as wkt from '@stoa/client/wkt';
  export * as peer from '@bufbuild/protobuf';
  export * as theirs from '@bufbuild/protobuf/wkt';
  export * as known from './known.stoa.js';
  export * as theirKnown from './known_pb.js';
`, folder);
const { decodeBinary, decodeJson, encodeBinary, encodeJson } = stoa;

const VALID = {
  Timestamp: ['1970-01-01T00:00:00Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999999Z', '2024-02-29T12:00:00.120Z',
    '1969-12-31T23:59:59.000001Z', '2020-01-01T00:00:00+14:00', '2020-01-01T00:00:00.5-00:30'],
  Duration: ['0s', '1s', '-1s', '1.5s', '-0.5s', '-1.000000001s', '315576000000s', '-315576000000.999999999s', '0.000120s'],
  FieldMask: ['', 'a', 'fooBar,baz', 'a.bC,d1'],
  Empty: [{}],
  Struct: [{}, { a: null, b: [1, 'x', true, { c: -1.5 }], '': {}, ['__proto']: 0 }],
  Value: [null, 1.5, 'text', true, [], {}, [null, [null]], { a: { b: null } }],
  ListValue: [[], [1, null, 'x']],
  DoubleValue: [0, -1.5, 'NaN', '-Infinity'],
  FloatValue: [0, 0.5, 'Infinity'],
  Int64Value: ['0', '-9223372036854775808'],
  UInt64Value: ['0', '18446744073709551615'],
  Int32Value: [0, -2147483648],
  UInt32Value: [0, 4294967295],
  BoolValue: [false, true],
  StringValue: ['', '柱廊'],
  BytesValue: ['', '+/8='],
};

const INVALID = {
  Timestamp: ['', '2020-01-01', '2020-01-01T00:00:00', '2020-02-30T00:00:00Z', '2020-01-01T24:00:00Z', '2020-13-01T00:00:00Z',
    '0000-01-01T00:00:00Z', '2020-01-01T00:00:00.1234567890Z', '2020-01-01t00:00:00z', '0001-01-01T00:00:00+01:00', 5, null],
  Duration: ['', '1', 's', '1.s', '.5s', '1.1234567890s', '+1s', '315576000001s', '1e3s', 1, null],
  FieldMask: ['foo_bar', 5, null],
  Empty: [null, 1, []],
  Struct: [null, [], 1, 'x'],
  ListValue: [null, {}, 1],
  Int32Value: [null, 2147483648, 'x', {}],
  StringValue: [null, 1],
  BoolValue: ['true', 0],
};

for (const [name, texts] of Object.entries(VALID)) {
  test(`${name} is the same to protobuf-es, in bytes and in JSON, both ways`, async () => {
    const [type, schema] = [wkt[name], theirs[`${name}Schema`]];
    for (const json of texts) {
      const message = peer.fromJson(schema, json);
      const bytes = peer.toBinary(schema, message);
      const canonical = peer.toJson(schema, message);
      assert.deepEqual(encodeJson(type, decodeBinary(type, bytes)), canonical);
      assert.deepEqual(encodeJson(type, decodeJson(type, json)), canonical);
      const again = peer.fromBinary(schema, encodeBinary(type, decodeJson(type, json)));
      assert.deepEqual(peer.toJson(schema, again), canonical);
    }
  });
}

for (const [name, texts] of Object.entries(INVALID)) {
  test(`what is no ${name} is refused`, async () => {
    for (const json of texts) {
      assert.throws(() => decodeJson(wkt[name], json), `${json}`);
      // protobuf-es takes null for an empty wrapper, and days that no month has for those of the next one.
      if (name !== 'Timestamp' && json !== null) {
        assert.throws(() => peer.fromJson(theirs[`${name}Schema`], json), `${json}`);
      }
    }
  });
}

test('what JSON cannot say is not written', async () => {
  const wrong = [
    [wkt.Timestamp, { seconds: 253402300800n, nanos: 0 }], [wkt.Timestamp, { seconds: 0n, nanos: -1 }],
    [wkt.Timestamp, { seconds: 0n, nanos: 1000000000 }], [wkt.Duration, { seconds: 1n, nanos: -1 }],
    [wkt.Duration, { seconds: 315576000001n, nanos: 0 }], [wkt.FieldMask, { paths: ['fooBar'] }],
    [wkt.FieldMask, { paths: ['foo__bar'] }], [wkt.FieldMask, { paths: ['foo_3'] }], [wkt.Value, {}],
    [wkt.Value, { numberValue: NaN }], [wkt.Any, { typeUrl: '', value: new Uint8Array() }],
  ];
  for (const [type, message] of wrong) {
    assert.throws(() => encodeJson(type, message), TypeError);
  }
  assert.throws(() => decodeJson(wkt.Any, {}), TypeError);
});

test('a Timestamp leads to a Date and back', async () => {
  for (const ms of [0, 1, -1, 1700000000123, -62135596800000]) {
    assert.equal(wkt.date(wkt.timestamp(new Date(ms))).getTime(), ms);
  }
  assert.deepEqual(wkt.timestamp(new Date(-1)), { seconds: -1n, nanos: 999000000 });
  assert.throws(() => wkt.timestamp(new Date(NaN)));
});

test('a field of Value takes null for a value, other fields take it for nothing', async () => {
  const type = stoa.message([
    [1, 'value', stoa.nested(() => wkt.Value)], [2, 'values', stoa.nested(() => wkt.Value), 2],
    [3, 'time', stoa.nested(() => wkt.Timestamp)], [4, 'wrapped', stoa.nested(() => wkt.Int64Value)],
    [5, 'map', stoa.map(stoa.string, stoa.nested(() => wkt.Value))],
  ]);
  const message = decodeJson(type, { value: null, values: [null], time: null, wrapped: '5', map: { a: null } });
  assert.deepEqual(message, {
    value: { nullValue: 0 }, values: [{ nullValue: 0 }], wrapped: { value: 5n }, map: new Map([['a', { nullValue: 0 }]]),
  });
  assert.deepEqual(encodeJson(type, message), { value: null, values: [null], wrapped: '5', map: { a: null } });
  assert.deepEqual(decodeBinary(type, encodeBinary(type, message)), message);
  assert.deepEqual(decodeJson(type, { values: null, map: null }), { values: [], map: new Map() });
});

test('generated messages with well-known types are the same to protobuf-es, both ways', async () => {
  const json = {
    at: '2024-02-29T12:00:00.120Z', spans: ['1s', '-0.500s'], values: { a: false, b: [1, { c: null }] }, struct: { k: true },
    mask: 'fooBar,baz', empty: {}, count: '0', value: null, list: ['x', null],
  };
  const message = peer.fromJson(theirKnown.KnownSchema, json);
  const mine = decodeJson(known.Known, json);
  assert.deepEqual(decodeBinary(known.Known, peer.toBinary(theirKnown.KnownSchema, message)), mine);
  assert.deepEqual(encodeJson(known.Known, mine), json);
  const again = peer.fromBinary(theirKnown.KnownSchema, encodeBinary(known.Known, mine));
  assert.deepEqual(peer.toJson(theirKnown.KnownSchema, again), json);
});

test('NullValue is null in JSON, and a member of its oneof like others', async () => {
  assert.deepEqual(encodeJson(known.Known, { nothing: 0 }), { nothing: null });
  for (const json of [null, 'NULL_VALUE', 0]) {
    assert.equal(decodeJson(known.Known, { nothing: json }).nothing, 0);
  }
  assert.throws(() => decodeJson(known.Known, { nothing: null, value: 1 }));
  assert.throws(() => decodeJson(known.Known, { nothing: true }));
  assert.ok(!('nothing' in decodeJson(known.Known, {})));
});

await run();
