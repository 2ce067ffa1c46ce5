// emoji.ts: short names of emoji, the ones that people type between colons.

const NAMES =
  'smile 😄 grin 😁 joy 😂 rofl 🤣 smiley 😃 wink 😉 blush 😊 innocent 😇 heart_eyes 😍 kissing_heart 😘 yum 😋 ' +
  'stuck_out_tongue 😛 zany 🤪 hugs 🤗 thinking 🤔 neutral 😐 expressionless 😑 smirk 😏 unamused 😒 roll_eyes 🙄 ' +
  'grimacing 😬 relieved 😌 pensive 😔 sleepy 😪 sleeping 😴 mask 😷 dizzy 😵 exploding_head 🤯 cowboy 🤠 party 🥳 ' +
  'sunglasses 😎 nerd 🤓 confused 😕 worried 😟 frown 🙁 open_mouth 😮 astonished 😲 flushed 😳 pleading 🥺 ' +
  'fearful 😨 sweat_smile 😅 sweat 😓 cry 😢 sob 😭 scream 😱 tired 😫 triumph 😤 rage 😡 angry 😠 skull 💀 poop 💩 ' +
  'clown 🤡 ghost 👻 alien 👽 robot 🤖 wave 👋 raised_hand ✋ vulcan 🖖 ok_hand 👌 pinch 🤏 v ✌️ crossed_fingers 🤞 ' +
  'metal 🤘 call_me 🤙 point_left 👈 point_right 👉 point_up 👆 point_down 👇 +1 👍 thumbsup 👍 -1 👎 thumbsdown 👎 ' +
  'fist ✊ punch 👊 clap 👏 raised_hands 🙌 open_hands 👐 handshake 🤝 pray 🙏 writing ✍️ muscle 💪 eyes 👀 brain 🧠 ' +
  'shrug 🤷 facepalm 🤦 bow 🙇 run 🏃 dancer 💃 heart ❤️ orange_heart 🧡 yellow_heart 💛 green_heart 💚 ' +
  'blue_heart 💙 purple_heart 💜 black_heart 🖤 broken_heart 💔 two_hearts 💕 sparkling_heart 💖 100 💯 boom 💥 ' +
  'sweat_drops 💦 dash 💨 zzz 💤 dog 🐶 cat 🐱 mouse 🐭 fox 🦊 bear 🐻 panda 🐼 tiger 🐯 lion 🦁 cow 🐮 pig 🐷 ' +
  'frog 🐸 monkey 🐵 see_no_evil 🙈 chicken 🐔 penguin 🐧 bird 🐦 owl 🦉 unicorn 🦄 bee 🐝 bug 🐛 butterfly 🦋 ' +
  'snail 🐌 turtle 🐢 snake 🐍 octopus 🐙 whale 🐳 dolphin 🐬 fish 🐟 flower 🌸 rose 🌹 sunflower 🌻 tree 🌳 cactus 🌵 ' +
  'leaf 🍃 mushroom 🍄 earth 🌍 moon 🌙 sun ☀️ star ⭐ sparkles ✨ zap ⚡ fire 🔥 rainbow 🌈 cloud ☁️ rain 🌧️ snow ❄️ ' +
  'apple 🍎 banana 🍌 grapes 🍇 watermelon 🍉 strawberry 🍓 avocado 🥑 bread 🍞 cheese 🧀 pizza 🍕 burger 🍔 fries 🍟 ' +
  'taco 🌮 sushi 🍣 ramen 🍜 rice 🍚 cookie 🍪 cake 🎂 chocolate 🍫 coffee ☕ tea 🍵 beer 🍺 beers 🍻 wine 🍷 ' +
  'cocktail 🍸 soccer ⚽ basketball 🏀 tennis 🎾 trophy 🏆 medal 🏅 guitar 🎸 art 🎨 game 🎮 dice 🎲 dart 🎯 car 🚗 ' +
  'bike 🚲 train 🚆 plane ✈️ rocket 🚀 ship 🚢 house 🏠 office 🏢 tent ⛺ clock 🕐 hourglass ⌛ watch ⌚ phone 📱 ' +
  'laptop 💻 keyboard ⌨️ bulb 💡 book 📖 books 📚 memo 📝 pencil ✏️ mail ✉️ package 📦 calendar 📅 chart 📈 pin 📌 ' +
  'paperclip 📎 scissors ✂️ lock 🔒 key 🔑 hammer 🔨 wrench 🔧 gear ⚙️ link 🔗 bell 🔔 mute 🔇 search 🔍 gift 🎁 ' +
  'tada 🎉 balloon 🎈 check ✅ x ❌ warning ⚠️ no_entry ⛔ question ❓ exclamation ❗ recycle ♻️ cool 🆒 new 🆕 flag 🚩';

const words = NAMES.split(' ');

/** By name, in the order of the pickers that people know. */
export const EMOJI: ReadonlyMap<string, string> = new Map(
  Array.from({ length: words.length / 2 }, (_, i) => [words[2 * i]!, words[2 * i + 1]!]),
);

export const QUICK = ['👍', '❤️', '😂', '🎉', '😮', '😢', '👀', '✅'];

const FOUND_MAX = 8;

export function findEmoji(start: string): [name: string, emoji: string][] {
  const wanted = start.toLowerCase();
  const all = [...EMOJI].filter(([name]) => name.includes(wanted));
  return all.sort(([a], [b]) => Number(b.startsWith(wanted)) - Number(a.startsWith(wanted))).slice(0, FOUND_MAX);
}

/** Put emoji for their names, outside of code. */
export const replaceNames = (text: string): string =>
  text
    .split(/(```[\s\S]*?```|`[^`\n]*`)/)
    .map((part, i) => (i % 2 ? part : part.replace(/(?<![\p{L}\p{N}:]):([a-z0-9_+-]+):/gu, (all, name) => EMOJI.get(name) ?? all)))
    .join('');
