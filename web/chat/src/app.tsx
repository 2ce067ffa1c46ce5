// app.tsx: the page: rooms, conversation, people, and what lies over them.
import { type Room, TypingState } from '@stoa/client/chat';
import { useEffect, useState } from 'preact/hooks';

import { Composer } from './composer.js';
import { Dialogs } from './dialogs.js';
import { IconButton } from './icons.js';
import { Log } from './log.js';
import { type Model, type Toast } from './model.js';
import { ModelContext, secondsUntil, useNow } from './parts.js';
import { badge, People, Rooms, Search } from './sides.js';

// ---- what is told ----

function Banner({ model }: { model: Model }) {
  const { trouble, isTroubleShown, language } = model;
  const { say } = language;
  const now = useNow(trouble?.retryAt !== undefined);
  // An asked name says all there is to say.
  if (!trouble || !isTroubleShown || (trouble.isFinal && model.dialog?.kind === 'nick')) {
    return null;
  }
  const { code, error, reason, retryAt, isFinal } = trouble;
  const seconds = retryAt === undefined ? 0 : secondsUntil(retryAt, now);
  let text;
  if (isFinal) {
    text = error ? model.errorText(error) : language.sayCode('close', code, { code });
  } else if (code === 4014 || reason === 'FULL') {
    text = say('bannerFull');
  } else if (code === 4013) {
    text = say('bannerRate');
  } else {
    text = say(model.me || retryAt ? 'bannerLost' : 'bannerConnecting');
  }
  return (
    <section id="banner" class={`banner ${isFinal ? 'final' : ''}`} aria-label={say('connection')}>
      <p>
        <span id="banner-text" role="status">{text}</span>{' '}
        {!isFinal && retryAt !== undefined && (
          <span id="banner-countdown" class="countdown">{seconds ? say('bannerCountdown', { n: seconds }) : say('bannerNow')}</span>
        )}
        {!isFinal && model.room && model.room.outgoing.length > 0 && <span class="banner-kept"> {say('bannerKept')}</span>}
      </p>
      {isFinal ? (
        <button type="button" class="quiet-button" onClick={() => model.reopen()}>{say('reopen')}</button>
      ) : retryAt !== undefined && (
        <button type="button" class="quiet-button" onClick={() => model.chat?.retryNow()}>{say('retryNow')}</button>
      )}
    </section>
  );
}

function ToastView({ model, toast }: { model: Model; toast: Toast }) {
  const { say, clock } = { say: model.language.say, clock: (ms: number) => model.language.clock(ms) };
  const now = useNow(toast.againAt !== undefined);
  const seconds = toast.againAt === undefined ? 0 : secondsUntil(toast.againAt, now);
  const isFar = seconds > 600;
  return (
    <div class={`toast ${toast.isError ? 'error-toast' : ''}`}>
      <p>{toast.text}{seconds > 0 && (isFar ? say('againAt', { time: clock(toast.againAt!) }) : say('againIn', { n: seconds }))}</p>
      <IconButton icon="close" label={say('close')} onClick={() => model.dismiss(toast.id)} />
    </div>
  );
}

function TypingLine({ model, room }: { model: Model; room: Room }) {
  const { say } = model.language;
  const names = [...room.typing.values()].filter(({ state }) => state === TypingState.TYPING_ACTIVE).map(({ nick }) => nick);
  const [a = '', b = ''] = names;
  const text = names.length > 2 ? say('typingMany') : names.length === 2 ? say('typingTwo', { a, b }) : say('typingOne', { a });
  return (
    <p id="typing" class="typing" aria-live="off">
      {names.length > 0 && <><span class="typing-dots" aria-hidden="true"><i /><i /><i /></span><bdi>{text}</bdi></>}
    </p>
  );
}

// Two pieces of a hint are keys.
const Hint = ({ text }: { text: string }) => (
  <p class="hint" aria-hidden="true">{text.split('**').map((part, at) => (at % 2 ? <b>{part}</b> : part))}</p>
);

// ---- the conversation ----

function Head({ model }: { model: Model }) {
  const { say } = model.language;
  const { room, roomName } = model;
  const { online = 0 } = room ?? {};
  const others = model.roomNames().filter((name) => name !== room?.name).reduce((sum, name) => sum + model.unreadOf(name), 0);
  return (
    <header class="top-bar">
      <IconButton icon="menu" class="only-narrow" label={others ? `${say('rooms')} ${badge(others)}` : say('rooms')} isExpanded={model.drawer === 'rooms'}
        onClick={() => model.toggle('rooms')}>
        {others > 0 && <span class="badge" aria-hidden="true">{badge(others)}</span>}
      </IconButton>
      <div class="place">
        <h1><span class="hash" aria-hidden="true">#</span><bdi id="room-name">{roomName}</bdi></h1>
        {room?.topic && <p class="topic" dir="auto" title={room.topic}>{room.topic}</p>}
      </div>
      <IconButton icon="search" id="search-button" label={say('search')} isPressed={model.panel === 'search'}
        onClick={() => (model.panel === 'search' ? model.closeSearch() : model.searchFor(''))} />
      <IconButton icon="people" class="people-button" id="people-button" label={online ? say('peopleHere', { n: online }) : say('people')}
        isExpanded={model.drawer === 'panel'} onClick={() => model.showPeople()}>
        {online > 0 && <span class="count" aria-hidden="true">{online}</span>}
      </IconButton>
    </header>
  );
}

function Left({ model, room }: { model: Model; room: Room }) {
  const { say } = model.language;
  const { code = 0, reason = '', message = '' } = room.left ?? {};
  return (
    <div class="left-room" role="alert">
      <p>{code ? model.language.sayCode('error', code, { message: message || reason }) : say('leftRoom')}</p>
      <button type="button" class="main-button" onClick={() => model.rejoin()}>{say('rejoin')}</button>
    </div>
  );
}

function Conversation({ model, version }: { model: Model; version: number }) {
  const { room, roomName, view, language } = model;
  return (
    <main class="main">
      <Head model={model} />
      <Banner model={model} />
      {room ? <Log key={`${language.code} ${roomName}`} model={model} room={room} version={version} /> : <div class="conversation" />}
      <footer class="foot">
        <div class="toasts" role="alert">
          {model.toasts.map((toast) => <ToastView key={toast.id} model={model} toast={toast} />)}
        </div>
        {room?.state === 'left' ? <Left model={model} room={room} /> : (
          <>
            <Composer key={roomName} model={model} room={roomName} view={view} replyTo={view.replyTo} editing={view.editing}
              isOff={room?.permissions?.send === false && !room.permissions.mutedUntilMs} language={language} />
            <div class="below">
              {room && <TypingLine model={model} room={room} />}
              <Hint text={language.say('hint')} />
            </div>
          </>
        )}
      </footer>
    </main>
  );
}

// ---- keys of the whole page ----

const isInField = (node: EventTarget | null): boolean =>
  node instanceof HTMLElement && (node.matches('input, textarea, select') || node.isContentEditable);

function onKeyDown(model: Model, event: KeyboardEvent): void {
  const { key, ctrlKey, metaKey, altKey } = event;
  const isCommand = ctrlKey || metaKey;
  const isFree = !model.dialog;
  if (event.isComposing || event.defaultPrevented) {
    return;
  }
  if (isCommand && key.toLowerCase() === 'k' && model.chat && (isFree || model.dialog?.kind === 'switch')) {
    event.preventDefault();
    model.ask({ kind: 'switch' });
  } else if (isCommand && key.toLowerCase() === 'f' && isFree && model.room && model.panel !== 'search') {
    event.preventDefault();
    model.searchFor('');
  } else if (altKey && isFree && (key === 'ArrowUp' || key === 'ArrowDown')) {
    event.preventDefault();
    model.openNext(key === 'ArrowUp' ? -1 : 1);
  } else if (key === 'Escape' && isFree) {
    if (model.panel === 'search') {
      model.closeSearch();
    }
    model.closeDrawer();
    model.focusComposer();
  } else if (isFree && !isCommand && !altKey && !isInField(event.target)) {
    if (key === '?') {
      event.preventDefault();
      model.ask({ kind: 'keys' });
    } else if (key.length === 1 && !(key === ' ' && event.target instanceof HTMLButtonElement)) {
      // The key itself is typed into the box that has the focus now.
      document.querySelector<HTMLElement>('#composer textarea')?.focus();
    }
  }
}

export function App({ model }: { model: Model }) {
  const [version, setVersion] = useState(0);
  useEffect(() => {
    model.watch(() => setVersion(model.version));
    const listener = (event: KeyboardEvent) => onKeyDown(model, event);
    addEventListener('keydown', listener);
    return () => removeEventListener('keydown', listener);
  }, []);
  useTheme(model);
  const { unread, roomName, language } = model;
  const title = `${unread ? `(${badge(unread)}) ` : ''}#${roomName} · Stoa`;
  useEffect(() => { document.title = title; }, [title]);
  // Even the same language, set again, makes a browser work out the style of every element.
  useEffect(() => { document.documentElement.lang = language.code; }, [language.code]);
  const { room, drawer, panel } = model;
  return (
    <ModelContext.Provider value={model}>
      <a class="skip" href="#composer" onClick={(event) => {
        event.preventDefault();
        document.querySelector<HTMLElement>('#composer textarea')?.focus();
      }}>{model.language.say('skip')}</a>
      <div class="page" data-drawer={drawer} data-panel={panel}>
        <Rooms model={model} />
        <Conversation model={model} version={version} />
        {room && (panel === 'search' ? <Search room={room} /> : <People model={model} room={room} />)}
        {drawer && <div class="scrim" onClick={() => model.closeDrawer()} />}
      </div>
      <Dialogs model={model} />
    </ModelContext.Provider>
  );
}

function useTheme(model: Model): void {
  const { theme } = model;
  useEffect(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const apply = () => {
      const isDark = theme === 'dark' || (theme === 'auto' && dark.matches);
      document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
      const color = getComputedStyle(document.documentElement).getPropertyValue('--side');
      document.querySelector('meta[name=theme-color]')?.setAttribute('content', color.trim());
    };
    apply();
    dark.addEventListener('change', apply);
    return () => dark.removeEventListener('change', apply);
  }, [theme]);
}
