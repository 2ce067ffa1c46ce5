// What people may do, as they see it in the page, by the real server: moderation, limits, names, invitations.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';

import { run, test } from '../lib/tap.mjs';
import { launch } from './browser.mjs';
import { open } from './people.mjs';

const SECRET = 'a secret of at least thirty-two bytes';
const AUTH = { 'server.auth.secret': SECRET };

const browser = await launch();

// The fragment of an invitation, made by the program itself.
function invitation(url, user, ...options) {
  const link = execFileSync(process.env.CHATROOM,
    ['token', user, '--set', `server.auth.secret=${SECRET}`, '--link', url, ...options], { encoding: 'utf8' }).trim();
  assert.ok(link.startsWith(`${url}#token=`), link);
  return link.slice(url.length);
}

// A guest Ada, and Max, who is a moderator by an invitation; both are in the default room.
async function openModerated(t) {
  const opened = await open(t, browser, { options: AUTH });
  const ada = await opened.join('Ada');
  const max = await opened.visit({ hash: invitation(opened.url, 'max', '--name', 'Max', '--role', 'moderator') });
  await max.isOnline();
  await max.sees('.member >> text=Ada');
  return { ...opened, ada, max };
}

async function choose(person, name, action) {
  await person.page.locator('.member', { hasText: name }).click();
  await person.page.locator('#person-dialog').getByRole('button', { name: action, exact: true }).click();
  await person.seesNot('#person-dialog');
}

test('who is muted is told for how long, keeps the text, and sends it when the mute has ended', async (t) => {
  const { ada, max } = await openModerated(t);
  await max.say('/mute Ada 5m');
  await ada.say('may I?');
  await ada.page.locator('.toast', { hasText: /You are muted\. Try again in \d+ s/ }).waitFor();
  assert.equal((await ada.reads('may I?')).state, 'failed');
  assert.deepEqual(await max.texts(), []);
  await max.say('/unmute Ada');
  await max.say('Now you may.');
  await ada.reads('Now you may.');
  await ada.page.locator('.failure .retry').click();
  await max.reads('may I?');
  assert.equal((await ada.readsStored('may I?')).state, 'stored');
});

test('who is removed from the room is told so, and may come back', async (t) => {
  const { ada, max } = await openModerated(t);
  await choose(max, 'Ada', 'Remove from room');
  await ada.sees('.left-room');
  await ada.seesNot('#composer');
  await max.page.waitForFunction(() => document.querySelectorAll('.member').length === 1);
  await ada.page.getByRole('button', { name: 'Join again' }).click();
  await ada.say('here again');
  await max.reads('here again');
});

test('who is banned is told so, and does not get in again until the ban is taken back', async (t) => {
  const { ada, max } = await openModerated(t);
  await choose(max, 'Ada', 'Ban for a day');
  await ada.page.getByText('You are banned from this room.').waitFor();
  await ada.page.getByRole('button', { name: 'Join again' }).click();
  await ada.page.getByText('You are banned from this room.').waitFor();
  await ada.seesNot('#composer');
  await ada.page.reload();
  await ada.page.getByText('You are banned from this room.').waitFor();
});

test('somebody without the right sees no buttons for it, and a command for it is refused', async (t) => {
  const { ada } = await openModerated(t);
  await ada.page.locator('.member', { hasText: 'Max' }).click();
  await ada.sees('#person-dialog');
  assert.deepEqual(await ada.page.locator('#person-dialog .dialog-row button').allTextContents(), ['Mention']);
  await ada.page.keyboard.press('Escape');
  await ada.say('/kick Max');
  await ada.page.locator('.toast').waitFor();
  await ada.say('still here');
  await ada.readsStored('still here');
});

test('what is written faster than the server takes it waits, and arrives once and in order', async (t) => {
  const { join } = await open(t, browser,
    { options: { 'server.limits.rate.messages_per_s': 4, 'server.limits.rate.messages_burst': 8 } });
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  const texts = Array.from({ length: 12 }, (_, at) => `text ${at + 1}`);
  for (const text of texts) {
    await ada.say(text);
  }
  for (const person of [ada, zeno]) {
    await person.readsStored('text 12');
    assert.deepEqual(await person.texts(), texts);
  }
  assert.equal(await ada.page.locator('.error-toast').count(), 0);
});

test('a new name is asked as a new one, shown to everybody at once, and refused when somebody has it', async (t) => {
  const { join } = await open(t, browser);
  const [ada, zeno] = [await join('Ada'), await join('Zeno')];
  await ada.say('before');
  await ada.page.locator('#me').click();
  const title = await ada.page.locator('#name-dialog h2').textContent();
  assert.doesNotMatch(title, /Welcome/);
  await ada.giveName('zeno');
  await ada.page.getByText('Someone is using this name').waitFor();
  await ada.giveName('Augusta');
  await ada.seesNot('#name-dialog');
  await zeno.sees('.member >> text=Augusta');
  assert.equal(await zeno.page.locator('.member').count(), 2);
  await ada.page.reload();
  await ada.isOnline();
  assert.equal(await ada.page.locator('#me-name').textContent(), 'Augusta');
  assert.equal((await ada.reads('before')).own, true);
});

test('names and texts of which nothing is seen are refused', async (t) => {
  const { visit } = await open(t, browser);
  const ada = await visit();
  for (const name of ['\u200B\u200B', '\u2800', 'Ada\u202E']) {
    await ada.giveName(name);
    await ada.page.locator('#name-error', { hasText: /./ }).waitFor();
  }
  await ada.giveName('Ada');
  await ada.isOnline();
  await ada.say('\u200B\u2060');
  await ada.say('seen');
  await ada.readsStored('seen');
  assert.equal(await ada.page.locator('.message:not(.failed, .pending)').count(), 1);
});

test('where a token is required the page says so, and an invitation lets a person in who stays the same', async (t) => {
  const { url, visit } = await open(t, browser, { options: { ...AUTH, 'server.auth.required': true } });
  const stranger = await visit();
  await stranger.giveName('Eve');
  await stranger.page.waitForFunction(() => document.querySelector('#banner.final, #name-error:not(:empty)'));
  assert.equal(await stranger.page.locator('#status').getAttribute('data-state'), 'stopped');
  const link = invitation(url, 'ann', '--name', 'Ann');
  const ann = await visit({ hash: link });
  await ann.isOnline();
  assert.equal(await ann.page.locator('#me-name').textContent(), 'Ann');
  assert.equal(ann.page.url(), url);
  await ann.say('I am Ann');
  await ann.readsStored('I am Ann');
  await ann.page.reload();
  await ann.isOnline();
  assert.equal((await ann.reads('I am Ann')).own, true);
});

await run({ atOnce: 3 });
