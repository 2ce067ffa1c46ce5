// commands.ts: what is written with a slash in front, as "/nick Ada".
import { ModerateAction, type Member } from '@stoa/client/chat';

import { type Model } from './model.js';
import { type Key } from './words.js';

export interface Command {
  name: string;
  argument?: Key;
  about: Key;
  isForModerators?: boolean;
  /** Returns whether the text is done with. */
  run(model: Model, text: string): boolean | Promise<boolean>;
}

const SHRUG = '¯\\_(ツ)_/¯';
const UNIT_S: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400 };
const MUTE_S = 600;
const BAN_S = 86400;

// "@Ada Lovelace 10m": names may have spaces.
function personOf(model: Model, text: string): { member?: Member; seconds?: number } {
  const [, amount, unit] = /\s(\d{1,6})([smhd])$/.exec(text) ?? [];
  const name = text.replace(/\s\d{1,6}[smhd]$/, '').replace(/^@/, '').trim().toLowerCase();
  const member = [...(model.room?.members.values() ?? [])].find(({ nick, userId }) =>
    nick.toLowerCase() === name || userId === name);
  if (!member) {
    model.toast(model.language.say('noSuchPerson', { name }));
  }
  return { member, seconds: amount && unit ? Number(amount) * UNIT_S[unit]! : undefined };
}

const moderation = (action: ModerateAction, standardS = 0) => (model: Model, text: string): boolean => {
  const { member, seconds = standardS } = personOf(model, text);
  if (member) {
    model.moderate(member.userId, action, seconds);
  }
  return member !== undefined;
};

export const COMMANDS: readonly Command[] = [
  {
    name: 'nick', argument: 'argName', about: 'cmdNick', run: async (model, text) => {
      const error = await model.chooseNick(text);
      if (error) {
        model.toast(error);
      }
      return !error;
    },
  },
  { name: 'me', argument: 'argText', about: 'cmdMe', run: (model, text) => text !== '' && model.send(`/me ${text}`) },
  {
    name: 'topic', argument: 'argText', about: 'cmdTopic',
    run: (model, text) => model.attempt(() => model.room!.call('setRoom', { topic: text })),
  },
  {
    name: 'search', argument: 'argText', about: 'cmdSearch', run: (model, text) => {
      model.searchFor(text);
      return true;
    },
  },
  {
    name: 'join', argument: 'argRoom', about: 'cmdJoin', run: (model, text) => {
      model.open(text.replace(/^#/, ''));
      return true;
    },
  },
  {
    name: 'leave', about: 'cmdLeave', run: (model) => {
      model.leaveRoom(model.room!);
      return true;
    },
  },
  { name: 'shrug', argument: 'argText', about: 'cmdShrug', run: (model, text) => model.send(`${text} ${SHRUG}`.trim()) },
  {
    name: 'help', about: 'cmdHelp', run: (model) => {
      model.ask({ kind: 'keys' });
      return true;
    },
  },
  {
    name: 'slow', argument: 'argText', about: 'cmdSlow', isForModerators: true,
    run: (model, text) => model.attempt(() => model.room!.call('setRoom', { slowModeS: Math.max(0, Math.trunc(Number(text)) || 0) })),
  },
  { name: 'kick', argument: 'argName', about: 'cmdKick', isForModerators: true, run: moderation(ModerateAction.MODERATE_KICK) },
  { name: 'mute', argument: 'argName', about: 'cmdMute', isForModerators: true, run: moderation(ModerateAction.MODERATE_MUTE, MUTE_S) },
  { name: 'unmute', argument: 'argName', about: 'cmdUnmute', isForModerators: true, run: moderation(ModerateAction.MODERATE_UNMUTE) },
  { name: 'ban', argument: 'argName', about: 'cmdBan', isForModerators: true, run: moderation(ModerateAction.MODERATE_BAN, BAN_S) },
  {
    name: 'unban', argument: 'argName', about: 'cmdUnban', isForModerators: true, run: (model, text) => {
      model.moderate(text, ModerateAction.MODERATE_UNBAN);
      return text !== '';
    },
  },
];

export const commandsFor = (model: Model, start: string): Command[] =>
  COMMANDS.filter(({ name, isForModerators }) => name.startsWith(start) && (!isForModerators || model.mayModerate));

/** Returns whether the text is done with: sent, or the command has run. "//text" is the message "/text". */
export async function perform(model: Model, written: string): Promise<boolean> {
  const [, name, text = ''] = /^\/([\p{L}\d]+)(?:\s+([\s\S]*))?$/u.exec(written.trim()) ?? [];
  if (name === undefined || !written.startsWith('/')) {
    return model.send(written.startsWith('//') ? written.slice(1) : written);
  }
  const command = COMMANDS.find((one) => one.name === name.toLowerCase());
  if (!command) {
    model.toast(model.language.say('unknownCommand', { name: `/${name}` }));
    return false;
  }
  return command.run(model, text.trim());
}
