// Makes the pictures of the README again: CHATROOM=build/apps/chatroom/chatroom node tests/browser/screenshots.mjs
//
// Not a test. The machine should have fonts for Chinese and emoji (fonts-noto-cjk, fonts-noto-color-emoji).

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { Chatroom } from '../lib/chatroom.mjs';
import { Person, launch } from './browser.mjs';

const FOLDER = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url));
const SECRET = 'a secret of at least thirty-two bytes';
const WINDOW = { width: 1280, height: 800 };
const PHONE = { viewport: { width: 375, height: 760 }, isMobile: true, hasTouch: true };
const GAP = 28;

const browser = await launch();
const chatroom = await Chatroom.start('127.0.0.1:0', { 'server.auth.secret': SECRET });
const url = `http://127.0.0.1:${chatroom.port}/`;
const people = {};

async function enter(name, options = {}) {
  people[name] = await Person.join(browser, url, name, { viewport: WINDOW, colorScheme: 'light', reducedMotion: 'reduce', ...options });
  return people[name];
}

// Somebody who may set topics, by an invitation.
async function enterAdmin(name) {
  const link = execFileSync(process.env.CHATROOM, ['token', name.toLowerCase(), '--name', name, '--role', 'admin', '--link', url,
    '--set', `server.auth.secret=${SECRET}`], { encoding: 'utf8' }).trim();
  people[name] = await Person.visit(browser, link, { viewport: WINDOW, colorScheme: 'light', reducedMotion: 'reduce' });
  await people[name].isOnline();
}

async function go(person, room) {
  await person.page.evaluate((name) => { window.location.hash = encodeURIComponent(name); }, room);
  await person.page.waitForFunction((name) => document.querySelector('#room-name').textContent === name, room);
  await person.page.waitForFunction(() => !document.querySelector('.skeleton, #composer textarea:disabled'));
}

async function tell(lines) {
  for (const [name, text, { reply } = {}] of lines) {
    const person = people[name];
    if (reply) {
      await person.act(reply, 'reply');
    }
    await person.say(text);
    await person.page.waitForFunction(() => !document.querySelector('.message.pending'));
  }
}

async function react(name, text, at = 0) {
  await people[name].act(text, `quick >> nth=${at}`);
  await people[name].page.mouse.move(5, 5);
}

async function shoot(person, file) {
  await person.page.mouse.move(640, 30);
  await person.page.evaluate(() => document.activeElement.blur());
  await person.page.evaluate(() => document.fonts.ready);
  const picture = await person.page.screenshot(file ? { path: FOLDER + file } : {});
  return picture.toString('base64');
}

// Phones beside each other, as one picture.
async function compose(file, pictures) {
  const { width, height } = PHONE.viewport;
  const page = await browser.newPage({ viewport: { width: pictures.length * (width + GAP) + GAP, height: height + 2 * GAP } });
  const images = pictures.map((data) => `<img src="data:image/png;base64,${data}">`).join('');
  await page.setContent(`<style>
    body { display: flex; gap: ${GAP}px; margin: 0; padding: ${GAP}px; background: #dfe5e3 }
    img { border-radius: 22px; box-shadow: 0 6px 24px rgb(0 0 0 / 22%) }
  </style>${images}`);
  await page.screenshot({ path: FOLDER + file });
  await page.close();
}

await enterAdmin('Ada');
for (const name of ['Zeno', 'Mina', 'Tomás', 'Yusuf', 'Ingrid']) {
  await enter(name);
}
await enter('小明', { locale: 'zh-CN' });
const { Ada, Zeno, Mina, 小明: ming } = people;

for (const [room, topic] of [['design', 'Look and words of the page'], ['releases', 'One message for each release'], ['闲聊', '什么都可以聊']]) {
  await go(Ada, room);
  await Ada.say(`/topic ${topic}`);
}
await go(Ada, 'releases');
await Ada.say('0.1.0 is tagged.');
await go(Ada, 'lobby');
await Ada.say('/topic Everything about the project; start here');
await go(Mina, 'design');
await tell([['Mina', 'The new colours are in the draft.']]);
await go(Mina, 'lobby');

await tell([
  ['Ingrid', 'Good morning! The server has been up for 90 days today 🎉'],
  ['Zeno', 'And nobody has noticed the three updates in between, which is the point.'],
  ['Ada', 'Numbers from last night, with 100,000 connections on one machine:'],
  ['Ada', '```\nconnections   100,000\nmemory        5.2 KiB each\np99 latency   1.8 ms\n```'],
  ['Tomás', 'Is that with TLS?'],
  ['Ada', 'Without. With TLS it is about `21 KiB` each; the page is at https://example.org/benchmarks'],
  ['小明', '大家好！今天我把中文界面的用词重新校对了一遍。'],
  ['Yusuf', '@小明 谢谢 🙏 it reads **much** better now'],
  ['Mina', 'نجح فحص الكتابة من اليمين إلى اليسار أيضا.'],
  ['Zeno', 'Then let us release at three.'],
]);
await tell([['Tomás', 'At three it is. I will write the notes.', { reply: 'Then let us release' }]]);
await react('Ada', 'up for 90 days', 1);
await react('Mina', 'up for 90 days', 1);
await react('Yusuf', 'up for 90 days', 0);
await react('Ada', 'At three it is', 0);
await react('小明', 'it reads much better', 1);
await tell([['Zeno', 'Who looks after the blog post?'], ['Ada', 'Me. A first draft is there tonight.']]);
await Zeno.write('I can help wi');
await Zeno.press('End');
// Others are told every three seconds.
await Zeno.page.keyboard.type('th the figures, if you want', { delay: 200 });
await Ada.page.getByText('Zeno is typing').waitFor();
await shoot(Ada, 'chat.png');

const dark = await enter('Lena', { colorScheme: 'dark' });
await dark.readsStored('Me. A first draft is there tonight.');
await shoot(dark, 'chat-dark.png');

// The list of rooms is asked for again.
await ming.page.reload();
await ming.isOnline();
await go(ming, '闲聊');
await go(people.Yusuf, '闲聊');
await ming.say('周末有人一起去爬山吗？天气预报说是晴天 ☀️');
await ming.page.waitForFunction(() => !document.querySelector('.message.pending'));
await people.Yusuf.say('算我一个！几点出发？');
await people.Yusuf.page.waitForFunction(() => !document.querySelector('.message.pending'));
await tell([['小明', '早上七点，地铁站 **B 出口**见。记得带水。'], ['Yusuf', '好的，我带一些水果 🍎']]);
await react('小明', '算我一个', 0);
await shoot(ming, 'chat-chinese.png');

const phone = await enter('Noor', PHONE);
await phone.readsStored('Me. A first draft is there tonight.');
const conversation = await shoot(phone);
await phone.page.getByRole('button', { name: 'Rooms' }).click();
await phone.sees('.rooms .room');
const rooms = await shoot(phone);
const night = await enter('Kai', { ...PHONE, colorScheme: 'dark' });
await night.readsStored('Me. A first draft is there tonight.');
await night.page.locator('#people-button').click();
await night.sees('.people');
await compose('chat-phone.png', [conversation, rooms, await shoot(night)]);

await browser.close();
await chatroom.kill();
process.exit(0);
