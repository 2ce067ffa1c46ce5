// chance.mjs: random messages of any table of protobuf-es, and random damage. The same seed gives the same.

export class Chance {
  #state;

  constructor(seed) {
    this.#state = seed >>> 0;
  }

  // 0 to 2^32 - 1, by Mulberry32.
  word() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  below(bound) {
    return this.word() % bound;
  }

  of(list) {
    return list[this.below(list.length)];
  }
}

const DOUBLES = [0, -0, 1, -1.5, 0.1, 1e300, -5e-324, 2 ** 53, NaN, Infinity, -Infinity];
const FLOATS = [0, -0, 1, -1.5, 0.1, 1e38, 3.4028234663852886e38, 1e-45, NaN, Infinity, -Infinity].map(Math.fround);
const INT32 = [0, 1, -1, 127, 128, 2147483647, -2147483648];
const UINT32 = [0, 1, 127, 128, 2147483648, 4294967295];
const INT64 = [0n, 1n, -1n, 128n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)];
const UINT64 = [0n, 1n, 128n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n];
const TEXTS = ['', 'a', 'Ada', '柱廊 👩‍👩‍👧‍👦', '\u0000', '"\\\n\u2028', 'prototype', 'x'.repeat(300)];
const BYTES = [[], [0], [255, 254, 253], [0xfb, 0xff, 0xbf], new Array(200).fill(7)].map((list) => Uint8Array.from(list));

// By FieldDescriptorProto.Type.
const VALUES = {
  1: DOUBLES, 2: FLOATS, 3: INT64, 4: UINT64, 5: INT32, 6: UINT64, 7: UINT32, 8: [false, true], 9: TEXTS, 12: BYTES,
  13: UINT32, 15: INT32, 16: INT64, 17: INT32, 18: INT64,
};

function element(peer, field, chance, depth, kinds) {
  if (kinds.message) {
    return randomMessage(peer, kinds.message, chance, depth + 1);
  }
  if (kinds.enum) {
    return chance.below(5) === 0 ? chance.of(INT32) : chance.of(kinds.enum.values).number;
  }
  return chance.of(VALUES[kinds.scalar]);
}

function fieldValue(peer, field, chance, depth) {
  const one = () => element(peer, field, chance, depth, field);
  if (field.fieldKind === 'list') {
    return Array.from({ length: chance.below(4) }, one);
  }
  if (field.fieldKind === 'map') {
    return Object.fromEntries(Array.from({ length: chance.below(4) }, () => [String(chance.of(VALUES[field.mapKey])), one()]));
  }
  return one();
}

export function randomMessage(peer, schema, chance, depth = 0) {
  const message = peer.create(schema);
  for (const field of schema.fields) {
    const isDeep = field.message && depth > 2;
    if (isDeep || chance.below(3) === 0) {
      continue;
    }
    const value = fieldValue(peer, field, chance, depth);
    if (field.oneof) {
      message[field.oneof.localName] = { case: field.localName, value };
    } else {
      message[field.localName] = value;
    }
  }
  return message;
}

const DAMAGE = [
  (bytes, chance) => bytes.subarray(0, chance.below(bytes.length + 1)),
  (bytes, chance) => bytes.map((byte, index) => (index === chance.below(bytes.length) ? chance.word() & 255 : byte)),
  (bytes, chance) => {
    const at = chance.below(bytes.length + 1);
    return Uint8Array.from([...bytes.subarray(0, at), chance.word() & 255, ...bytes.subarray(at)]);
  },
];

export function hostileBytes(bytes, chance) {
  return chance.of(DAMAGE)(bytes, chance);
}

const ODD = [
  null, true, false, 0, -1, 1.5, 1e10, 1e40, 4294967296, '', ' ', '1', ' 1', '1 ', '-0', '1e3', '0x10', '1.0', '1.5', 'true', 'NaN',
  'Infinity', 'inf', 'RED', 'PURPLE', '8888888888888888888888', '==', 'a', 'ab', 'ab==', 'a-_b', 'a+/b', '\ud800', [], {}, [null],
  [1], ['RED', 'PURPLE'], { a: 1 }, { a: null }, { true: 1 }, { 1: 'x' }, { '': 0 },
];

function places(json, found = []) {
  if (json !== null && typeof json === 'object') {
    for (const key of Object.keys(json)) {
      found.push([json, key]);
      places(json[key], found);
    }
  }
  return found;
}

export function hostileJson(json, chance) {
  const found = places(json);
  if (found.length === 0) {
    return chance.of(ODD);
  }
  const [object, key] = chance.of(found);
  if (chance.below(4) === 0 && !Array.isArray(object)) {
    object[chance.of(['unknown', 'fBool', 'f_bool', '1', 'text', 'yes'])] = chance.of(ODD);
  } else {
    object[key] = chance.of(ODD);
  }
  return json;
}
