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
  FieldMask: ['foo_bar', 5, null, ',a', 'a,', 'a,,b', ','],
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
  test(`an invalid ${name} is refused`, async () => {
    for (const json of texts) {
      assert.throws(() => decodeJson(wkt[name], json), `${json}`);
      // protobuf-es takes null for an empty wrapper, days that no month has for those of the next one, and paths without
      // a letter.
      if (name !== 'Timestamp' && json !== null && !/^,|,,|,$/.test(json)) {
        assert.throws(() => peer.fromJson(theirs[`${name}Schema`], json), `${json}`);
      }
    }
  });
}

test('what JSON cannot express is not written', async () => {
  const wrong = [
    [wkt.Timestamp, { seconds: 253402300800n, nanos: 0 }], [wkt.Timestamp, { seconds: 0n, nanos: -1 }],
    [wkt.Timestamp, { seconds: 0n, nanos: 1000000000 }], [wkt.Duration, { seconds: 1n, nanos: -1 }],
    [wkt.Duration, { seconds: 315576000001n, nanos: 0 }], [wkt.FieldMask, { paths: ['fooBar'] }],
    [wkt.FieldMask, { paths: ['foo__bar'] }], [wkt.FieldMask, { paths: ['foo_3'] }], [wkt.Value, {}],
    [wkt.Value, { numberValue: NaN }],
  ];
  for (const [type, message] of wrong) {
    assert.throws(() => encodeJson(type, message), TypeError);
  }
});

const URL = 'type.googleapis.com/';
const registry = peer.createRegistry(
  theirKnown.KnownSchema, theirKnown.AroundSchema,
  ...Object.entries(theirs).filter(([name]) => name in wkt || name.slice(0, -6) in wkt).map(([, schema]) => schema),
);

const ANY = [
  {}, { '@type': `${URL}known.v1.Known` }, { '@type': `${URL}known.v1.Known`, at: '2024-02-29T12:00:00Z', nothing: null },
  { '@type': `${URL}known.v1.Around`, known: { a: { mask: 'fooBar' } } },
  { '@type': `${URL}google.protobuf.Timestamp`, value: '1970-01-01T00:00:00.120Z' },
  { '@type': `${URL}google.protobuf.Duration`, value: '-1.500s' },
  { '@type': `${URL}google.protobuf.Struct`, value: { '@type': 'x', value: [null] } },
  { '@type': `${URL}google.protobuf.Value`, value: null }, { '@type': `${URL}google.protobuf.ListValue`, value: [1, []] },
  { '@type': `${URL}google.protobuf.Int64Value`, value: '5' }, { '@type': `${URL}google.protobuf.BytesValue`, value: '' },
  { '@type': `${URL}google.protobuf.FieldMask`, value: 'a,bC' },
  { '@type': `${URL}google.protobuf.Any`, value: {} },
  { '@type': `${URL}google.protobuf.Any`, value: { '@type': `${URL}google.protobuf.BoolValue`, value: true } },
  { '@type': `${URL}known.v1.Known`, any: { '@type': `${URL}known.v1.Known`, any: {} } },
];

test('an Any has the JSON that protobuf-es gives it, both ways, whatever it holds', async () => {
  for (const json of ANY) {
    const message = peer.fromJson(theirs.AnySchema, json, { registry });
    const canonical = peer.toJson(theirs.AnySchema, message, { registry });
    const bytes = peer.toBinary(theirs.AnySchema, message);
    assert.deepEqual(encodeJson(wkt.Any, decodeBinary(wkt.Any, bytes)), canonical);
    assert.deepEqual(encodeJson(wkt.Any, decodeJson(wkt.Any, json)), canonical);
    const again = peer.fromBinary(theirs.AnySchema, encodeBinary(wkt.Any, decodeJson(wkt.Any, json)));
    assert.deepEqual(peer.toJson(theirs.AnySchema, again, { registry }), canonical);
  }
});

test('an Empty in an Any has members, if none, and not the form of its own that protobuf-es gives it', async () => {
  const any = decodeJson(wkt.Any, { '@type': `${URL}google.protobuf.Empty`, value: {} });
  assert.deepEqual(any, decodeJson(wkt.Any, { '@type': `${URL}google.protobuf.Empty` }));
  assert.deepEqual(encodeJson(wkt.Any, any), { '@type': `${URL}google.protobuf.Empty` });
});

const NO_ANY = [
  null, 1, [], 'x', { a: 1 }, { value: 1 }, { '@type': 5 }, { '@type': '' }, { '@type': [`${URL}known.v1.Known`] },
  { '@type': `${URL}known.v1.Unknown` }, { '@type': `${URL}google.protobuf.toString` }, { '@type': `${URL}google.protobuf.Duration` },
  { '@type': `${URL}google.protobuf.Duration`, value: '1' }, { '@type': `${URL}known.v1.Known`, at: 1 },
];

test('an invalid Any, or one of an unknown type, is refused', async () => {
  for (const json of NO_ANY) {
    assert.throws(() => decodeJson(wkt.Any, json), TypeError, JSON.stringify(json));
    assert.throws(() => peer.fromJson(theirs.AnySchema, json, { registry }), undefined, JSON.stringify(json));
  }
  // protobuf-es does not ask for the slash that the specification wants.
  assert.throws(() => decodeJson(wkt.Any, { '@type': 'known.v1.Known' }), TypeError);
  for (const any of [{ typeUrl: '', value: Uint8Array.of(1) }, { typeUrl: `${URL}no.Type` }, { typeUrl: `${URL}known.v1.Known`, value: Uint8Array.of(8) }]) {
    assert.throws(() => encodeJson(wkt.Any, any), TypeError);
  }
});

test('an Any that holds an Any nests no deeper than other messages', async () => {
  const nest = (levels) => (levels === 0 ? {} : { '@type': `${URL}google.protobuf.Any`, value: nest(levels - 1) });
  assert.ok(decodeJson(wkt.Any, nest(31)));
  assert.deepEqual(encodeJson(wkt.Any, decodeJson(wkt.Any, nest(31))), nest(31));
  assert.throws(() => decodeJson(wkt.Any, nest(32)), TypeError);
  assert.throws(() => decodeJson(wkt.Any, nest(2000)), TypeError);
});

test('a Struct, a Value and a list nest no deeper either', async () => {
  const list = (levels) => (levels === 1 ? [] : [list(levels - 1)]);
  const object = (levels) => (levels === 1 ? {} : { a: object(levels - 1) });
  for (const [type, nest] of [[wkt.Value, list], [wkt.ListValue, list], [wkt.Value, object], [wkt.Struct, object]]) {
    assert.deepEqual(encodeJson(type, decodeJson(type, nest(32))), nest(32));
    assert.throws(() => decodeJson(type, nest(33)), TypeError);
    assert.throws(() => decodeJson(type, nest(2000)), TypeError);
  }
});

test('pack() and unpack() convert to and from an Any, for registered types', async () => {
  assert.equal(decodeJson(wkt.Any, { '@type': 'https://host/path/known.v1.Known' }).typeUrl, 'https://host/path/known.v1.Known');
  const any = wkt.pack(known.Known, { mask: { paths: ['a'] } });
  assert.equal(any.typeUrl, `${URL}known.v1.Known`);
  assert.deepEqual(wkt.unpack(known.Known, any).mask, { paths: ['a'] });
  assert.equal(wkt.unpack(wkt.Timestamp, any), undefined);
  assert.equal(wkt.unpack(wkt.Timestamp, { typeUrl: 'no/no.Type', value: new Uint8Array() }), undefined);
  assert.deepEqual(wkt.unpack(wkt.Duration, wkt.pack(wkt.Duration, { seconds: 1n })), { seconds: 1n, nanos: 0 });
  const type = stoa.message([[1, 'text', stoa.string]]);
  assert.throws(() => wkt.pack(type, { text: 'a' }), TypeError);
  assert.throws(() => decodeJson(wkt.Any, { '@type': 'host/late.Line', text: 'a' }), TypeError);
  wkt.addTypes({ 'late.Line': type });
  assert.deepEqual(wkt.unpack(type, decodeJson(wkt.Any, { '@type': 'host/late.Line', text: 'a' })), { text: 'a' });
  assert.deepEqual(encodeJson(wkt.Any, wkt.pack(type, { text: 'b' })), { '@type': `${URL}late.Line`, text: 'b' });
});

test('a Timestamp converts to a Date and back', async () => {
  for (const ms of [0, 1, -1, 1700000000123, -62135596800000]) {
    assert.equal(wkt.date(wkt.timestamp(new Date(ms))).getTime(), ms);
  }
  assert.deepEqual(wkt.timestamp(new Date(-1)), { seconds: -1n, nanos: 999000000 });
  assert.throws(() => wkt.timestamp(new Date(NaN)));
});

test('null is a value for a field of Value, and an unset field elsewhere', async () => {
  const type = stoa.message([
    [1, 'value', stoa.nested(() => wkt.Value)], [2, 'values', stoa.nested(() => wkt.Value), '*'],
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
    any: { '@type': `${URL}known.v1.Known`, mask: 'a', any: { '@type': `${URL}google.protobuf.Duration`, value: '1s' } },
  };
  const message = peer.fromJson(theirKnown.KnownSchema, json, { registry });
  const mine = decodeJson(known.Known, json);
  assert.deepEqual(decodeBinary(known.Known, peer.toBinary(theirKnown.KnownSchema, message)), mine);
  assert.deepEqual(encodeJson(known.Known, mine), json);
  const again = peer.fromBinary(theirKnown.KnownSchema, encodeBinary(known.Known, mine));
  assert.deepEqual(peer.toJson(theirKnown.KnownSchema, again, { registry }), json);
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
