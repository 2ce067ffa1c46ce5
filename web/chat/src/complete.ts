// complete.ts: suggestions for what is being written: people after @, emoji after :, commands after /.
import { commandsFor } from './commands.js';
import { findEmoji } from './emoji.js';
import { type Model } from './model.js';

export interface Suggestion {
  /** What takes the place of the characters from `start` to the caret. */
  text: string;
  label: string;
  about: string;
}

export interface Suggestions {
  start: number;
  all: Suggestion[];
}

const FOUND_MAX = 8;
const BACK_CHARS_MAX = 40;

function people(model: Model, start: string): Suggestion[] {
  const wanted = start.toLocaleLowerCase();
  const members = [...(model.room?.members.values() ?? [])].filter(({ userId }) => userId !== model.me?.userId);
  // Those who wrote here and left can be named too.
  const writers = (model.room?.messages ?? []).filter((item) => !model.isMine(item) && item.sender);
  const names = [...new Set([...members.map(({ nick }) => nick), ...writers.map(({ sender }) => sender)])];
  return names
    .filter((nick) => nick.toLocaleLowerCase().includes(wanted))
    .sort((a, b) => Number(b.toLocaleLowerCase().startsWith(wanted)) - Number(a.toLocaleLowerCase().startsWith(wanted)))
    .slice(0, FOUND_MAX)
    .map((nick) => ({ text: `@${nick} `, label: nick, about: '' }));
}

export function suggest(model: Model, text: string, caret: number): Suggestions | undefined {
  const from = Math.max(0, caret - BACK_CHARS_MAX);
  const before = text.slice(from, caret);
  const [, slash] = /^\/(\p{L}*)$/u.exec(from ? '' : before) ?? [];
  const [, at] = /(?:^|[^\p{L}\p{N}@/])@([\p{L}\p{M}\p{N}_.-]*)$/u.exec(before) ?? [];
  const [, colon] = /(?:^|[^\p{L}\p{N}:]):([a-z0-9_+-]{2,20})$/iu.exec(before) ?? [];
  const { say } = model.language;
  let all: Suggestion[] = [];
  if (slash !== undefined) {
    all = commandsFor(model, slash.toLowerCase()).map(({ name, argument, about }) => ({
      text: argument ? `/${name} ` : `/${name}`,
      label: argument ? `/${name} ${say(argument)}` : `/${name}`,
      about: say(about),
    }));
  } else if (at !== undefined) {
    all = people(model, at);
  } else if (colon !== undefined) {
    all = findEmoji(colon).map(([name, emoji]) => ({ text: `${emoji} `, label: `${emoji} :${name}:`, about: '' }));
  }
  const length = (slash ?? at ?? colon ?? '').length + 1;
  return all.length ? { start: caret - length, all } : undefined;
}
