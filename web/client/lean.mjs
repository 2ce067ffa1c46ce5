// lean.mjs: writes src/chat/replies.ts, what Chat needs of the generated API when it speaks JSON.
//
// The generated table has every message for both codecs. Chat reads only what a server sends, and JSON needs no numbers
// of fields, so its own table is shorter. tests/ts/update.sh runs this, and a test compares.
//
//     node lean.mjs            writes the file
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const API = path.join(HERE, 'src/api/chatroom/v1/chatroom.stoa.ts');
const OUT = path.join(HERE, 'src/chat/replies.ts');

// As in src/error.ts.
const ERROR = 'code:u reason message metadata:pss temporary:b retryMs:u';
// Marks are characters that a script has in plenty anyway, so that the table compresses well.
const MARKS = { s: ',', b: '(', i: '=', u: '=', I: '.', U: '.', x: ')' };

/** The text of the module. */
export function lean(source = readFileSync(API, 'utf8')) {
  const [, types, enums] = source.match(/stoa\.types\(`([^`]*)`([^;]*)\);/);
  const [, service] = source.match(/stoa\.service\(\$types, `([^`]*)`/);
  const messages = types.split('\n');
  const names = [...enums.matchAll(/=> (\w+)/g)].map(([, name]) => name);
  const lines = service.split('\n').map((line) => line.split(' '));
  const pushes = lines.filter((line) => line.length === 3);
  const calls = lines.filter((line) => line.length === 4);
  const usedEnums = new Set();
  // The messages that have a line: those that are pushed, errors, and those in others.
  const order = [...pushes.map(([, , type]) => Number(type.slice(1))), ERROR];

  const placeOf = (type) => {
    if (!order.includes(type)) {
      order.push(type);
    }
    return order.indexOf(type);
  };
  const refuse = (what) => {
    throw new Error(`the small reader of JSON does not know ${what}`);
  };
  // Behind `[`, `{` and `?`: the place of a message, or nothing for a text.
  const innerOf = (kind) => (kind[0] === 'm' ? placeOf(Number(kind.slice(1))) : kind === 's' ? '' : refuse(kind));
  const markOf = (kind) => {
    if (kind[0] === 'x') {
      usedEnums.add(names[kind.slice(1)] ?? refuse(kind));
    }
    return MARKS[kind[0]] ?? refuse(kind);
  };
  const fieldOf = (text) => {
    const [, name, kind, mark, rest] = /^(\w+):?(\w*)([?*+]?)(.*)$/.exec(text);
    if (rest || name in {}) {
      refuse(`the field ${text}`);
    }
    const one = kind || 's';
    return `${name}${one[0] === 'p' ? `{${innerOf(one.slice(2))}`
      : mark === '*' || mark === '+' ? `[${innerOf(one)}`
      : mark || one[0] === 'm' ? `?${innerOf(one)}` : markOf(one)}`;
  };
  // Those that many messages have are last, where they compress best.
  const fieldNames = messages.flatMap((message) => message.split(' ')).map((text) => text.split(':')[0]);
  const countOf = (text) => fieldNames.filter((name) => name === text.split(':')[0]).length;
  const fieldsOf = (type) => (type === ERROR ? ERROR : messages[type]).split(' ').filter(Boolean)
    .sort((one, other) => countOf(one) - countOf(other)).map(fieldOf);
  const lineOf = (name, number, type) => `${name},${number},${fieldsOf(type).join('')}`;

  const valuesOf = (name) => source.match(new RegExp(`export const ${name} = {(.*?)} as const`, 's'))[1].match(/^  \w+: \d+/gm);
  const called = calls.map(([name, number, , reply]) => lineOf(name, number, Number(reply.slice(1))));
  const told = [];
  // The list grows with the messages that are found in others.
  for (let i = 0; i < order.length; i += 1) {
    told.push(i < pushes.length ? lineOf(pushes[i][0], pushes[i][1], order[i]) : lineOf('x', '', order[i]));
  }
  return `// Written by lean.mjs from the generated API. Changes here are lost.
import { ${[...usedEnums].sort().join(', ')} } from '../api/chatroom/v1/chatroom.stoa.js';

/** The values of all enums that are received; no two have one name. */
export const ENUMS: Readonly<Record<string, number>> = { ${[...usedEnums].sort().map((name) => `...${name}`).join(', ')} };

/** The same for this package: bundlers write the numbers where the names are. */
export const enum Known {
${[...usedEnums].sort().flatMap(valuesOf).map((value) => `${value.replace(':', ' =')},`).join('\n')}
}

/** The line of errors. Above it are messages, below it what is in others, then the calls with the fields of their
 *  replies. */
export const enum Line {
  ERROR = ${pushes.length},
  CALLS = ${told.length},
}

/** A line has a name, a number, and the fields: a name, and its mark: \`,\` for a text, \`.\` for a bigint, \`=\` for a
 *  number, \`)\` for an enum, \`(\` for a boolean; \`[\` for a list, \`{\` for a map by texts, \`?\` for what may be absent: of
 *  the messages of the line that follows, or of texts. */
export const TEXT = \`${[...told, ...called].join('\n')}\`;
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(OUT, lean());
}
