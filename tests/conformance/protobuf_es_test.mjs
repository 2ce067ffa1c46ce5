// Stoa's codecs beside protobuf-es: the same messages, both formats, both directions.
//
// usage: node protobuf_es_test.mjs CONFORMANCE_TESTEE DESCRIPTOR_SET HOSTILE_CASES [MESSAGES]
//
// Random messages (a fixed seed) are written by one side and read by the other and must be equal. Broken variants,
// those of chance and those that hostile_cases.py wrote, must be refused by both or taken by both with one result;
// lists say where the two differ, and why.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { create, createFileRegistry, fromBinary, fromJson, ScalarType, toBinary, toJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

const [testeePath, setPath, hostilePath, count = "1500"] = process.argv.slice(2);
const MESSAGES = Number(count);
const VARIANTS = MESSAGES * 6;
const HOSTILE = JSON.parse(readFileSync(hostilePath, "utf8"));
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(setPath)));
const schema = registry.getMessage("protobuf_test_messages.proto3.TestAllTypesProto3");
const requestSchema = registry.getMessage("conformance.ConformanceRequest");
const responseSchema = registry.getMessage("conformance.ConformanceResponse");
const PROTOBUF = 1;
const JSON_FORMAT = 2;
const IGNORE_UNKNOWN = 3;

// What Stoa refuses and protobuf-es takes, by the text of Stoa's error.
const REFUSED_ON_PURPOSE = [
  // JSON.parse() keeps the last of two members of one name; which one was meant nobody knows.
  /a duplicate (member|key)$/,
  // Number() and BigInt() take "0x1f", "+1", "007", ".5", "1." and "", which are no numbers of RFC 8259 6.
  /expected s?(u?int|fixed)(32|64), got "/,
  /expected (double|float), got "/,
  // Half a character can be no UTF-8 (RFC 3629 3), also not in a member that nobody knows.
  /a surrogate without its other half$/,
  // base64 that ends within a byte, or whose padding does not fit, and bytes that are no letters of either alphabet.
  /expected base64 text, got /,
  // protobuf-es puts U+FFFD for bytes of binary that are not UTF-8; proto3 wants them refused.
  /a string that is not UTF-8$/,
  // In protobuf-es a value may reach over the end of the list, entry or message that it lies in.
  /: (the input ends inside a va(rint|lue)|a length passes the end of the input)$/,
  // Bits of a tag above the 32nd are dropped by protobuf-es, which so finds another field than the writer meant.
  /a field number out of range$/,
  // There are 32 levels; protobuf-es has more, or no limit.
  /nested too deeply$/,
  // protobuf-es reads lists of paths that it could not write again, and any text after a time's or duration's form.
  /expected paths like /,
  /expected a (time|duration) like /,
];
// What Stoa takes and protobuf-es refuses, by the text of its error.
const TAKEN_ON_PURPOSE = [];

// The same for the cases of hostile_cases.py, by the text of the error and the input.
const HOSTILE_REFUSED = [
  [/a varint of more than 10 bytes in .*/, "protobuf-es steps over unknown numbers of any length"],
  [/a length passes the end of the input in aa1f/, "protobuf-es keeps 32 bits of a length"],
  [/^limit reached|nested too deeply in /, "Stoa has 32 levels, counted in JSON by brackets too"],
  [/expected \w+, got 1e-400 in|expected an enum value, got 1e-400 in/, "JSON.parse() has made 0 of a fraction"],
  [/expected double, got 1e400 in/, "JSON.parse() has made infinity of it"],
  [/got -9223372036854775809 in /, "JSON.parse() has made a smaller number of it"],
  [/expected an enum value, got "/, "a number in quotes is a number; to protobuf-es it is a name that is not known"],
];
const HOSTILE_TAKEN = [
  [/\{"\w+64\w*": (9223372036854775807|18446744073709551615)\}/, "JSON.parse() has made a greater number of it"],
  [/64\w*": \{?"-?\d+(\.0|e\+?\d+|E5|e-2)"/,
    "a whole number in quotes may have an exponent, and zeros after the point"],
  [/"optionalFloat": 3.4028235e38/, "the nearest float is the greatest float, not infinity"],
];
const HOSTILE_MEANT_OTHERWISE = [
  [/64\w*": -?\d{16,}\}/, "JSON.parse() rounds numbers above 2^53"],
  [/"optionalNestedEnum": "/, "a number in quotes is a number; to protobuf-es it is a name that is not known"],
  [/"optionalFieldMask": "Foo"/, "protobuf-es makes foo of Foo, which means _foo"],
];

const WIRE_TYPE = "not compared: a wrong wire type, which protobuf-es does not look at";

// mulberry32: the same numbers on every run.
let seed = 20260131;
function random() {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];

class Testee {
  constructor(path) {
    this.process = spawn(path, { stdio: ["pipe", "pipe", "inherit"] });
    this.chunks = [];
    this.length = 0;
    this.wake = () => {};
    this.process.stdout.on("data", (chunk) => {
      this.chunks.push(chunk);
      this.length += chunk.length;
      this.wake();
    });
    this.ended = new Promise((resolve) => this.process.on("exit", resolve));
    this.ended.then(() => {
      this.isOver = true;
      this.wake();
    });
  }

  async read(length) {
    while (this.length < length) {
      if (this.isOver) throw new Error("the testee ended");
      await new Promise((resolve) => (this.wake = resolve));
    }
    const all = Buffer.concat(this.chunks);
    this.chunks = [all.subarray(length)];
    this.length -= length;
    return all.subarray(0, length);
  }

  // {bytes} or {json} or {error}; the payload is text for JSON and bytes for binary.
  async ask(payload, output) {
    const member = typeof payload === "string" ? "jsonPayload" : "protobufPayload";
    const request = create(requestSchema, {
      payload: { case: member, value: payload },
      requestedOutputFormat: output,
      messageType: schema.typeName,
      testCategory: IGNORE_UNKNOWN,
    });
    const data = toBinary(requestSchema, request);
    const head = Buffer.alloc(4);
    head.writeUInt32LE(data.length);
    this.process.stdin.write(Buffer.concat([head, data]));
    const length = (await this.read(4)).readUInt32LE();
    const { result } = fromBinary(responseSchema, await this.read(length));
    if (result.case === "protobufPayload") return { bytes: result.value };
    if (result.case === "jsonPayload") return { json: result.value };
    return { error: result.value, kind: result.case };
  }

  close() {
    this.process.stdin.end();
    return this.ended;
  }
}

const RANGES = {
  [ScalarType.INT32]: [-(2n ** 31n), 2n ** 31n - 1n],
  [ScalarType.SINT32]: [-(2n ** 31n), 2n ** 31n - 1n],
  [ScalarType.SFIXED32]: [-(2n ** 31n), 2n ** 31n - 1n],
  [ScalarType.UINT32]: [0n, 2n ** 32n - 1n],
  [ScalarType.FIXED32]: [0n, 2n ** 32n - 1n],
  [ScalarType.INT64]: [-(2n ** 63n), 2n ** 63n - 1n],
  [ScalarType.SINT64]: [-(2n ** 63n), 2n ** 63n - 1n],
  [ScalarType.SFIXED64]: [-(2n ** 63n), 2n ** 63n - 1n],
  [ScalarType.UINT64]: [0n, 2n ** 64n - 1n],
  [ScalarType.FIXED64]: [0n, 2n ** 64n - 1n],
};
const TEXTS = ["", "a", "plain words", '"quoted"', "back\\slash", "\0\x01\x1f\x7f", "h\u00e9llo", "\u4f60\u597d",
  "\u{1f44d}", "\u2028</script>", "x".repeat(15), "y".repeat(16), "long ".repeat(40), "__proto__", "\u00e9".repeat(40)];

function randomInteger([low, high]) {
  const span = high - low + 1n;
  const anything = low + (BigInt(Math.floor(random() * 2 ** 53)) * span) / 2n ** 53n;
  return pick([0n, 1n, low, high, anything, low < 0n ? -1n : 2n]);
}

function randomReal(isFloat) {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setUint32(0, below(2 ** 32));
  bits.setUint32(4, below(2 ** 32));
  const any = isFloat ? bits.getFloat32(0) : bits.getFloat64(0);
  const value = pick([0, 1, 0.1, -2.5, 1e20, isFloat ? 2 ** -149 : 5e-324, Infinity, -Infinity, NaN, any]);
  return isFloat ? Math.fround(value) : value;
}

const named = (value) => (Number.isFinite(value) ? value : String(value));

function randomScalar(type) {
  if (type in RANGES) {
    const value = randomInteger(RANGES[type]);
    return Number.isSafeInteger(Number(value)) && random() < 0.5 ? Number(value) : String(value);
  }
  switch (type) {
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return named(randomReal(type === ScalarType.FLOAT));
    case ScalarType.BOOL:
      return random() < 0.5;
    case ScalarType.STRING:
      return pick(TEXTS);
    default:
      return Buffer.from(Array.from({ length: below(40) }, () => below(256))).toString(pick(["base64", "base64url"]));
  }
}

function randomEnum(desc) {
  if (desc.typeName === "google.protobuf.NullValue") return null;
  return random() < 0.8 ? pick(desc.values).name : pick([5, -7, 2147483647]);
}

function randomAny(depth) {
  return pick([
    () => ({}),
    () => ({ "@type": "type.googleapis.com/google.protobuf.Duration", value: randomOf("google.protobuf.Duration") }),
    () => ({ "@type": "type.googleapis.com/google.protobuf.Value", value: randomDynamic(2) }),
    () => ({ "@type": `type.googleapis.com/${schema.typeName}`, ...randomMessage(schema, depth - 1) }),
    () => ({ "@type": "type.googleapis.com/google.protobuf.Any", value: randomAny(depth - 1) }),
  ])();
}

function randomDynamic(depth) {
  const leaf = [() => null, () => random() < 0.5, () => pick(TEXTS), () => pick([0, -1.5, 1e300, 0.1])];
  const nested = [
    () => Array.from({ length: below(3) }, () => randomDynamic(depth - 1)),
    () => Object.fromEntries(Array.from({ length: below(3) },
                                        () => [pick(["a", "b c", "1", ""]), randomDynamic(depth - 1)])),
  ];
  return pick(depth > 0 ? [...leaf, ...nested] : leaf)();
}

const two = (n) => String(n).padStart(2, "0");
const fraction = () => pick(["", ".5", ".123", ".000001", ".123456789", ".100000000"]);

function randomOf(typeName, depth = 1) {
  switch (typeName) {
    case "google.protobuf.Timestamp": {
      const date = `${String(1 + below(9998)).padStart(4, "0")}-${two(1 + below(12))}-${two(1 + below(28))}`;
      const offset = pick(["Z", "Z", "+01:00", "-23:59"]);
      return `${date}T${two(below(24))}:${two(below(60))}:${two(below(60))}${fraction()}${offset}`;
    }
    case "google.protobuf.Duration":
      return `${pick(["", "-"])}${pick([0, 1, 59, 315575999999])}${fraction()}s`;
    case "google.protobuf.FieldMask":
      return pick(["", "a", "fooBar,b", "user.displayName,photo"]);
    case "google.protobuf.Struct":
      return { k: randomDynamic(2), "": randomDynamic(1) };
    case "google.protobuf.ListValue":
      return [randomDynamic(2), randomDynamic(1)];
    case "google.protobuf.Value":
      return randomDynamic(3);
    case "google.protobuf.Any":
      return randomAny(depth);
  }
  return undefined;
}

function randomSub(desc, depth) {
  const wrapped = /^google\.protobuf\.\w+Value$/.test(desc.typeName) && desc.fields.length === 1 && desc.fields[0].scalar;
  if (wrapped) return randomScalar(wrapped);
  const special = randomOf(desc.typeName, depth);
  return special === undefined ? randomMessage(desc, depth) : special;
}

// protobuf-es refuses null in a list of Values, where it is a value as any other.
function randomListItem(field, depth) {
  const item = randomItem(field, depth);
  return item === null && field.message ? 0 : item;
}

function randomItem(field, depth) {
  if (field.message) return randomSub(field.message, depth - 1);
  return field.enum ? randomEnum(field.enum) : randomScalar(field.scalar);
}

function randomField(field, depth) {
  if (field.fieldKind === "list") return Array.from({ length: below(4) }, () => randomListItem(field, depth));
  if (field.fieldKind === "map") {
    const keys = Array.from({ length: below(4) }, () => randomScalar(field.mapKey));
    return Object.fromEntries(keys.map((key) => [String(key), randomItem(field, depth)]));
  }
  return randomItem(field, depth);
}

// As JSON, since both sides read that; in either naming.
function randomMessage(desc, depth) {
  const json = {};
  const oneofs = new Set();
  for (const field of desc.fields) {
    const isDeep = field.message && (field.message.typeName === schema.typeName || field.message.typeName.endsWith("Any"));
    if (random() < 0.75 || (isDeep && depth <= 0) || oneofs.has(field.oneof)) continue;
    if (field.oneof) oneofs.add(field.oneof);
    json[random() < 0.7 ? field.jsonName : field.name] = randomField(field, depth);
  }
  return json;
}

const sorted = (_, value) =>
  value !== null && typeof value === "object" && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

// Equal for equal messages, whatever the order of a map. protobuf-es forgets what stands before a type's name in an Any.
const canonical = (message) =>
  JSON.stringify(toJson(schema, message, { registry }), sorted).replaceAll(/"@type":"[^"]*\//g, '"@type":"/');
// In JSON a float is any number to protobuf-es; binary makes a float of it.
const roundTripped = (message) => fromBinary(schema, toBinary(schema, message));
const options = { registry, ignoreUnknownFields: true };
const ofText = (text) => roundTripped(fromJson(schema, JSON.parse(text), options));

function must(condition, ...what) {
  if (!condition) throw new Error(what.map((part) => String(part).slice(0, 1500)).join("\n  "));
}

function mustBeSame(got, expected, what, payload) {
  let at = 0;
  while (at < got.length && got[at] === expected[at]) at++;
  const around = (text) => text.slice(Math.max(0, at - 60), at + 60);
  must(got === expected, what, around(got), around(expected), payload);
}

async function sameBothWays(testee, payload, message, what) {
  const expected = canonical(message);
  const binary = await testee.ask(payload, PROTOBUF);
  must(binary.bytes, what, "refused", binary.error, payload);
  mustBeSame(canonical(fromBinary(schema, binary.bytes)), expected, `${what}: binary differs`, payload);
  const json = await testee.ask(payload, JSON_FORMAT);
  must(json.json !== undefined, what, "not written", json.error, payload);
  mustBeSame(canonical(ofText(json.json)), expected, `${what}: JSON differs`, payload);
}

async function messages(testee) {
  for (let i = 0; i < MESSAGES; i++) {
    const text = JSON.stringify(randomMessage(schema, 2), null, pick([0, 0, 2]));
    const message = ofText(text);
    await sameBothWays(testee, text, message, `JSON ${i}`);
    await sameBothWays(testee, toBinary(schema, message), message, `binary ${i}`);
    await sameBothWays(testee, JSON.stringify(toJson(schema, message, { registry })), message, `its JSON ${i}`);
  }
}

function broken(data) {
  let bytes = Buffer.from(data);
  for (let n = 1 + below(3); n > 0; n--) {
    const at = below(bytes.length + 1);
    const choice = random();
    const cut = choice < 0.4 ? 1 : choice < 0.6 ? 1 + below(4) : 0;
    const tokens = [[255], [0], "0", "1", ",", '"', "{", "}", "[", "null", "e9", "-", ":", "\\"];
    const add = choice < 0.4 ? [pick([below(256),
                                      bytes[at] ^ (1 << below(8))])] : choice < 0.8 && cut === 0 ? pick(tokens) : [];
    const rest = choice < 0.8 ? bytes.subarray(at + cut) : [];
    bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(add), Buffer.from(rest)]);
  }
  return bytes;
}

// What protobuf-es makes of it: {message} or {error}. A string that it cannot write, it did not understand.
function esReads(payload) {
  try {
    const message = typeof payload === "string" ? ofText(payload) : fromBinary(schema, payload);
    toBinary(schema, message);
    return { message };
  } catch (error) {
    return { error: String(error) };
  }
}

// JSON that is not UTF-8 has no text that protobuf-es could be given.
function asPayload(bytes, isJson) {
  if (!isJson) return bytes;
  const text = bytes.toString("utf8");
  return Buffer.from(text).equals(bytes) ? text : undefined;
}

async function compareBroken(testee, payload) {
  const answer = await testee.ask(payload, PROTOBUF);
  const es = esReads(payload);
  if (answer.bytes && es.message) {
    const got = fromBinary(schema, answer.bytes);
    let expected;
    try {
      expected = canonical(es.message);
    } catch {
      return; // JSON has no form for it
    }
    mustBeSame(canonical(got), expected, "both take it, but differ", printed(payload));
  } else if (answer.bytes) {
    must(TAKEN_ON_PURPOSE.some((text) => text.test(es.error)), "taken", printed(payload), es.error);
  } else if (es.message) {
    must(REFUSED_ON_PURPOSE.some((text) => text.test(answer.error)), "refused", printed(payload), answer.error);
  }
}

const WIRES = {
  [ScalarType.DOUBLE]: WireType.Bit64,
  [ScalarType.FIXED64]: WireType.Bit64,
  [ScalarType.SFIXED64]: WireType.Bit64,
  [ScalarType.FLOAT]: WireType.Bit32,
  [ScalarType.FIXED32]: WireType.Bit32,
  [ScalarType.SFIXED32]: WireType.Bit32,
  [ScalarType.STRING]: WireType.LengthDelimited,
  [ScalarType.BYTES]: WireType.LengthDelimited,
};

function fits(field, wire) {
  if (field.fieldKind === "map" || field.message) return wire === WireType.LengthDelimited;
  const own = WIRES[field.scalar] ?? WireType.Varint;
  return wire === own || (field.fieldKind === "list" && wire === WireType.LengthDelimited);
}

// protobuf-es reads a known field as its type wants, whatever the wire type says, and takes what follows for what it is
// not. Others, Stoa among them, treat such a field as unknown, so there is nothing to compare. The same goes for fields
// that are unknown in a map's entry: protobuf-es does not step over them. What is malformed otherwise is for both.
function wiresFit(desc, bytes) {
  const byNumber = new Map(desc.fields.map((field) => [field.number, field]));
  const reader = new BinaryReader(bytes);
  try {
    while (reader.pos < reader.len) {
      const [number, wire] = reader.tag();
      const field = byNumber.get(number);
      if (field ? !fits(field, wire) : desc.isEntry) return false;
      if (field?.message && field.fieldKind !== "map") {
        if (!wiresFit(field.message, reader.bytes())) return false;
      } else if (field?.fieldKind === "map") {
        if (!entryFits(field, reader.bytes())) return false;
      } else {
        reader.skip(wire, number);
      }
    }
  } catch {
    return true;
  }
  return true;
}

function entryFits(field, bytes) {
  const key = { number: 1, fieldKind: "scalar", scalar: field.mapKey };
  const value = { number: 2, fieldKind: field.mapKind, scalar: field.scalar, enum: field.enum, message: field.message };
  return wiresFit({ fields: [key, value], isEntry: true }, bytes);
}

const printed = (payload) => (typeof payload === "string" ? payload : Buffer.from(payload).toString("hex"));

async function variants(testee) {
  for (let i = 0; i < VARIANTS; i++) {
    const isJson = random() < 0.5;
    const json = Object.fromEntries(Object.entries(randomMessage(schema, 1)).filter(() => random() < 0.15));
    const good = isJson ? JSON.stringify(json) : toBinary(schema, ofText(JSON.stringify(json)));
    const payload = asPayload(broken(good), isJson);
    if (payload !== undefined && (isJson || wiresFit(schema, payload))) await compareBroken(testee, payload);
  }
}

const reasonIn = (reasons, text) => reasons.find(([pattern]) => pattern.test(text))?.[1];

// What became of a case, in a word or in the reason for the difference.
async function judge(testee, payload) {
  const answer = await testee.ask(payload, PROTOBUF);
  const es = esReads(payload);
  const shown = printed(payload);
  if (!answer.bytes && !es.message) return "refused by both";
  if (!answer.bytes) {
    const known = REFUSED_ON_PURPOSE.some((text) => text.test(answer.error)) && "refused by Stoa, listed above";
    const why = reasonIn(HOSTILE_REFUSED, `${answer.error} in ${shown}`) ?? known;
    must(why, "only protobuf-es takes it", shown, answer.error);
    return why;
  }
  if (!es.message) {
    const why = reasonIn(HOSTILE_TAKEN, shown);
    must(why, "only Stoa takes it", shown, es.error);
    return why;
  }
  const [got, expected] = [canonical(fromBinary(schema, answer.bytes)), canonical(es.message)];
  const why = got === expected ? "taken by both" : reasonIn(HOSTILE_MEANT_OTHERWISE, shown);
  must(why, "both take it, but differ", got, expected, shown);
  return why;
}

async function hostile(testee) {
  const tally = new Map();
  for (const [kind, form, hex] of HOSTILE) {
    const bytes = Buffer.from(hex, "hex");
    const payload = form === "json" ? bytes.toString("utf8") : bytes;
    const isFit = form === "json" || wiresFit(schema, payload);
    const what = isFit ? await judge(testee, payload) : WIRE_TYPE;
    const key = `${kind} in ${form}: ${what}`;
    tally.set(key, (tally.get(key) ?? 0) + 1);
  }
  for (const [key, number] of tally) console.log(`# ${String(number).padStart(5)} ${key}`);
}

async function run(number, name, body, testee) {
  try {
    await body(testee);
    console.log(`ok ${number} - ${name}`);
    return true;
  } catch (error) {
    console.log(`not ok ${number} - ${name}`);
    console.log(`# ${String(error.stack).replaceAll("\n", "\n# ")}`);
    return false;
  }
}

const testee = new Testee(testeePath);
console.log("TAP version 13\n1..4");
const results = [
  await run(1, `${MESSAGES} messages are the same on both sides, as binary and as JSON`, messages, testee),
  await run(2, `${VARIANTS} broken variants are refused by both sides or mean the same to both`, variants, testee),
  await run(3, `${HOSTILE.length} inputs that are wrong in one way each are refused by both, or the lists say why not`,
            hostile, testee),
  await run(4, "the testee ends with its input", async () => must((await testee.close()) === 0, "it failed"), testee),
];
process.exit(results.every(Boolean) ? 0 : 1);
