// Makes the pictures of the README again: CHATROOM=build/apps/chatroom/chatroom node tests/browser/screenshots.mjs
//
// Not a test. The machine should have fonts for Chinese and emoji (fonts-noto-cjk, fonts-noto-color-emoji).

import { fileURLToPath } from 'node:url';

import { Chatroom } from '../lib/chatroom.mjs';
import { Person, launch } from './browser.mjs';

const FOLDER = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url));
const WINDOW = { width: 1120, height: 700 };
const PHONE = { width: 360, height: 700 };
const GAP = 24;

const LINES = [
  ['Ada', 'Good morning! Is the porch open today?'],
  ['Zeno', 'It is. Come in, the shade is nice.'],
  ['Zeno', 'The plan for the day: https://example.org/plan'],
  ['Ada', '你好，小明 👋'],
  ['小明', '大家好！今天天气真好，适合散步聊天。'],
  ['Ada', 'Let us meet at ten, by the third column.\nI bring the tea.'],
  ['Zeno', '👍'],
];

async function chat(people) {
  for (const [name, text] of LINES) {
    await people[name].say(text);
    await Promise.all(Object.values(people).map((person) => person.reads(text)));
  }
}

async function picture(person) {
  await person.page.evaluate(() => Promise.allSettled(document.getAnimations().map((one) => one.finished)));
  return (await person.page.screenshot()).toString('base64');
}

// Windows beside each other, as one picture.
async function compose(browser, name, pictures) {
  const viewport = { width: WINDOW.width + PHONE.width + 3 * GAP, height: WINDOW.height + 2 * GAP };
  const page = await browser.newPage({ viewport });
  const images = pictures.map((data) => `<img src="data:image/png;base64,${data}">`).join('');
  await page.setContent(`<style>
    body { display: flex; gap: ${GAP}px; margin: 0; padding: ${GAP}px; background: #c9d6d3 }
    img { border-radius: 12px; box-shadow: 0 6px 24px rgb(0 0 0 / 30%) }
  </style>${images}`);
  await page.screenshot({ path: FOLDER + name });
}

const browser = await launch();
const chatroom = await Chatroom.start();
const url = `http://127.0.0.1:${chatroom.port}/`;
const people = {
  Ada: await Person.join(browser, url, 'Ada', { viewport: WINDOW, colorScheme: 'light' }),
  Zeno: await Person.join(browser, url, 'Zeno', { viewport: WINDOW, colorScheme: 'dark' }),
  小明: await Person.join(browser, url, '小明', { viewport: PHONE, isMobile: true, hasTouch: true, locale: 'zh-CN' }),
};
await chat(people);
const { Ada, Zeno, 小明: ming } = people;
await compose(browser, 'chat.png', [await picture(Ada), await picture(ming)]);
await compose(browser, 'chat-dark.png', [await picture(Zeno), await picture(ming)]);
await browser.close();
await chatroom.kill();
