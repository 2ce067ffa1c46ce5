// Are the golden OpenAPI documents what OpenAPI 3.1 asks for? plugin_test.py compares what the plugin writes with them.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv from 'ajv/dist/2020.js';

import { run, test } from '../lib/tap.mjs';

const GOLDEN = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), 'golden');
const names = readdirSync(GOLDEN, { recursive: true }).filter((name) => name.endsWith('.openapi.json'));
const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'];

const load = (name) => JSON.parse(readFileSync(path.join(GOLDEN, name), 'utf8'));

function* values(node) {
  yield node;
  if (node !== null && typeof node === 'object') {
    for (const child of Object.values(node)) {
      yield* values(child);
    }
  }
}

function* operations(document) {
  for (const [template, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      yield { template, method, operation };
    }
  }
}

function resolve(document, reference) {
  assert.match(reference, /^#\//);
  return reference
    .slice(2)
    .split('/')
    .reduce((node, step) => node?.[step], document);
}

// A schema of the document, with all those that it refers to.
function compile(document, name) {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'doc', components: document.components });
  return ajv.compile({ $ref: `doc#/components/schemas/${name}` });
}

test('there are documents', async () => assert.ok(names.length > 0));

for (const name of names) {
  test(`${name} is a valid document of OpenAPI 3.1`, async () => {
    const validator = new Validator();
    const result = await validator.validate(load(name));
    assert.deepEqual(result.errors ?? [], []);
    assert.ok(result.valid);
    assert.equal(validator.version, '3.1');
  });

  test(`${name} refers only to what it has`, async () => {
    const document = load(name);
    for (const node of values(document)) {
      if (typeof node?.$ref === 'string') {
        assert.notEqual(resolve(document, node.$ref), undefined, node.$ref);
      }
    }
  });

  test(`each schema of ${name} is one`, async () => {
    const document = load(name);
    for (const schema of Object.keys(document.components.schemas)) {
      compile(document, schema);
    }
  });

  test(`the operations of ${name} have ids of their own, and a parameter for each place of their path`, async () => {
    const document = load(name);
    const ids = [];
    for (const { template, method, operation } of operations(document)) {
      assert.ok(METHODS.includes(method), method);
      ids.push(operation.operationId);
      const places = [...template.matchAll(/\{([^}]*)\}/g)].map((match) => match[1]);
      const inPath = operation.parameters.filter((parameter) => parameter.in === 'path');
      assert.deepEqual(inPath.map((parameter) => parameter.name), places);
      assert.ok(inPath.every((parameter) => parameter.required));
      const all = operation.parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      assert.equal(new Set(all).size, all.length);
    }
    assert.equal(new Set(ids).size, ids.length);
  });

  test(`no two paths of ${name} differ in names of parameters only`, async () => {
    const shapes = Object.keys(load(name).paths).map((template) => template.replace(/\{[^}]*\}/g, '{}'));
    assert.equal(new Set(shapes).size, shapes.length);
  });
}

test('the schemas take the JSON of the messages and refuse other values', async () => {
  const every = compile(load('routes.openapi.json'), 'routes.v1.Everything');
  const good = [
    {},
    { real: 1, small: 0.5, whole: '-5', natural: 7, yes: true, text: 'x', data: 'AA==', view: 'VIEW_FULL', maybe: 1 },
    { one: 'x' },
    { other: { size: 1 } },
    { time: '1.5s', open: { a: [1] }, anyValue: null, boxed: '5', books: { 1: { authors: ['a'] } }, again: {} },
    { times: ['1970-01-01T00:00:00Z'], boxedText: 'x', items: [1, 'a'] },
  ];
  const bad = [
    { real: 2 },
    { whole: 5 },
    { natural: -1 },
    { data: 'AAAAAAAAAA==' },
    { view: 'VIEW_NONE' },
    { one: 'x', other: { size: 1 } },
    { other: { size: 101 } },
    { time: '1' },
    { books: { 1: { authors: [] } } },
    { times: '1970-01-01T00:00:00Z' },
  ];
  for (const value of good) {
    assert.ok(every(value), JSON.stringify([value, every.errors]));
  }
  for (const value of bad) {
    assert.ok(!every(value), JSON.stringify(value));
  }
});

await run();
