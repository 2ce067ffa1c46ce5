// strings.js: the texts of the page, in English and Chinese, and the choice of the language.

const ENGLISH = {
  title: 'Stoa',
  room: 'Main hall',
  online: 'Connected',
  connecting: 'Connecting…',
  offline: 'Not connected',
  stopped: 'Disconnected',
  log: 'Messages',
  composer: 'Message',
  placeholder: 'Write a message',
  send: 'Send',
  hint: 'Enter sends, Shift+Enter starts a new line',
  quiet: 'It is quiet here. Say hello.',
  newer: { one: '{n} new message', other: '{n} new messages' },
  today: 'Today',
  yesterday: 'Yesterday',
  showAll: 'Show all',
  deleted: 'This message was deleted.',
  back: 'Reconnected at {time}. Messages from the time between are not shown here.',
  rename: 'Change name',
  welcome: 'Welcome to Stoa',
  askName: 'Choose the name that others see.',
  name: 'Name',
  join: 'Join',
  cancel: 'Cancel',
  connection: 'Connection',
  bannerConnecting: 'Connecting…',
  bannerLost: 'The connection was lost. Reconnecting',
  bannerFull: 'The server is full at the moment. Trying again',
  bannerRate: 'Too much was sent at once. Reconnecting',
  bannerCountdown: 'in {n} s',
  bannerNow: 'now…',
  retryNow: 'Retry now',
  reopen: 'Connect again',
  close4500: 'The server did not accept this sign-in.',
  close4501: 'The server could not understand this page. Reload it to get the current version.',
  close4503: 'You were removed from the chat.',
  close4507: 'This page may not connect to the server.',
  close4509: 'The server closed the connection after too many errors.',
  closeOther: 'The server closed the connection ({code}).',
  tooLong: 'This message is too long: {n} of {max} characters. Your text is kept; shorten or split it.',
  tooLarge: 'This message is too long: {size} of {max} KiB. Your text is kept; shorten or split it.',
  notConnected: 'Not connected at the moment. Your text is kept.',
  unsure: 'The connection broke before your last message was confirmed. Your text is back in the input box.',
  again: ' Try again in a moment.',
  againIn: ' Try again in {n} s.',
  error102: 'There is no such room.',
  error103: 'You may not do this here.',
  error106: 'The server has reached a limit. Your text is kept.',
  error111: 'Too many messages at once. Your text is kept.',
  error120: 'You are muted for now. Your text is kept.',
  error122: 'This message is too long for the server. Your text is kept.',
  error123: 'This message has no text.',
  error124: 'Someone is using this name. Choose another.',
  error125: 'A name has 1 to 32 characters, and no control characters.',
  error126: 'The room is full.',
  errorOther: 'The server answered: {message}',
};

const CHINESE = {
  title: 'Stoa',
  room: '大厅',
  online: '已连接',
  connecting: '正在连接…',
  offline: '未连接',
  stopped: '已断开',
  log: '消息',
  composer: '消息',
  placeholder: '输入消息',
  send: '发送',
  hint: 'Enter 发送，Shift+Enter 换行',
  quiet: '这里很安静，打个招呼吧。',
  newer: { other: '{n} 条新消息' },
  today: '今天',
  yesterday: '昨天',
  showAll: '展开全文',
  deleted: '此消息已删除。',
  back: '{time} 重新连接。断线期间的消息不会显示在这里。',
  rename: '修改名字',
  welcome: '欢迎来到 Stoa',
  askName: '请输入别人看到的名字。',
  name: '名字',
  join: '加入',
  cancel: '取消',
  connection: '连接状态',
  bannerConnecting: '正在连接…',
  bannerLost: '连接已断开，将自动重连',
  bannerFull: '服务器目前已满，将自动重试',
  bannerRate: '发送过于频繁，将自动重连',
  bannerCountdown: '（{n} 秒后）',
  bannerNow: '（正在重连…）',
  retryNow: '立即重试',
  reopen: '重新连接',
  close4500: '服务器未接受此登录。',
  close4501: '服务器无法理解此页面，请刷新以获取最新版本。',
  close4503: '你已被移出聊天室。',
  close4507: '此页面无权连接服务器。',
  close4509: '错误过多，服务器已关闭连接。',
  closeOther: '服务器关闭了连接（{code}）。',
  tooLong: '消息过长：{n} 个字符，上限 {max} 个。文字已保留，请缩短或分段发送。',
  tooLarge: '消息过长：{size} KiB，上限 {max} KiB。文字已保留，请缩短或分段发送。',
  notConnected: '当前未连接，文字已保留。',
  unsure: '上一条消息未确认时连接中断，已放回输入框。',
  again: '请稍后再试。',
  againIn: '请在 {n} 秒后重试。',
  error102: '没有这个聊天室。',
  error103: '你无权在此进行此操作。',
  error106: '服务器已达到上限，文字已保留。',
  error111: '发送过于频繁，文字已保留。',
  error120: '你暂时被禁言，文字已保留。',
  error122: '服务器认为消息过长，文字已保留。',
  error123: '消息没有内容。',
  error124: '这个名字已有人使用，请换一个。',
  error125: '名字为 1 到 32 个字符，且不能包含控制字符。',
  error126: '聊天室已满。',
  errorOther: '服务器回复：{message}',
};

export const LANGUAGES = { en: ENGLISH, zh: CHINESE };

function tableName(language) {
  return language.split('-')[0].toLowerCase();
}

// The first of the person's languages that the page has, with its region, for dates and plurals.
export function pickLanguage(wanted) {
  return wanted.find((language) => Object.hasOwn(LANGUAGES, tableName(language))) ?? 'en';
}

// The texts of one language; {values} are filled in.
export class Strings {
  #table;
  #plural;

  constructor(language) {
    this.#table = LANGUAGES[tableName(language)];
    this.#plural = new Intl.PluralRules(language);
  }

  // `values.n` chooses the plural where there is one.
  say(key, values = {}) {
    const entry = this.#table[key];
    const text = typeof entry === 'string' ? entry : (entry[this.#plural.select(values.n)] ?? entry.other);
    return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  }

  // The text for a numbered error or close code, or the one for all others.
  sayCode(prefix, code, values) {
    const key = `${prefix}${code}`;
    return this.say(Object.hasOwn(this.#table, key) ? key : `${prefix}Other`, values);
  }
}
