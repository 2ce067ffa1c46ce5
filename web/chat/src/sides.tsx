// sides.tsx: the rooms at the left, and the people or the search at the right.
import { Role, type Item, type Member, type Room } from '@stoa/client/chat';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import { Icon, IconButton } from './icons.js';
import { type Model } from './model.js';
import { Avatar, memo, Spinner, useModel } from './parts.js';
import { timeOf } from './rows.js';

const UNREAD_MAX = 99;

export const badge = (unread: number): string => (unread > UNREAD_MAX ? `${UNREAD_MAX}+` : String(unread));

export function Rooms({ model }: { model: Model }) {
  const { say } = model.language;
  const known = new Map(model.roomsKnown.map((room) => [room.name, room]));
  const open = model.room?.name;
  return (
    <nav class="side rooms" aria-label={say('rooms')}>
      <div class="side-head">
        <svg class="logo" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
          <rect width="32" height="32" rx="8" fill="#1f6f68" />
          <path d="M16 6 5.500 11.600V13h21v-1.400zM8 15h3v7H8zm6.500 0h3v7h-3zM21 15h3v7h-3zM5.500 24h21v2.200h-21z" fill="#f3f7f6" />
        </svg>
        <strong class="product">Stoa</strong>
        <IconButton icon="close" class="drawer-close" label={say('close')} onClick={() => model.closeDrawer()} />
      </div>
      <div class="side-title">
        <h2>{say('rooms')}</h2>
        <IconButton icon="plus" label={say('openRoom')} onClick={() => model.ask({ kind: 'switch' })} />
      </div>
      <ul class="side-list">
        {model.roomNames().map((name) => {
          const isOpen = name === open;
          const unread = isOpen && model.isAttentive ? 0 : model.unreadOf(name);
          const isMentioned = model.viewOf(name).isMentioned && unread > 0;
          return (
            <li key={name}>
              <a href={`#${encodeURIComponent(name)}`} class={`room ${isOpen ? 'open' : ''} ${unread ? 'has-unread' : ''}`}
                aria-current={isOpen ? 'page' : undefined} title={known.get(name)?.topic || undefined}
                onClick={(event) => {
                  event.preventDefault();
                  model.open(name);
                }}>
                <span class="hash" aria-hidden="true">#</span>
                <bdi class="room-name">{name}</bdi>
                {unread > 0 && <span class={`badge ${isMentioned ? 'mentioned' : ''}`}>{isMentioned && '@'}{badge(unread)}</span>}
              </a>
            </li>
          );
        })}
      </ul>
      <Me model={model} />
    </nav>
  );
}

function Me({ model }: { model: Model }) {
  const { me, status } = model;
  const { say } = model.language;
  return (
    <div class="me-row">
      {me && (
        <button type="button" id="me" class="me" title={say('rename')}
          onClick={() => model.ask({ kind: 'nick', isRequired: false })}>
          <Avatar id={me.userId} name={me.nick} />
          <span class="me-text">
            <bdi id="me-name">{me.nick}</bdi>
            <span class="unseen">{say('rename')}</span>
          </span>
        </button>
      )}
      <p id="status" class="status" data-state={status} title={say(status)}>
        <span class="dot" aria-hidden="true" /><span class={me ? 'unseen' : ''}>{say(status)}</span>
      </p>
      <IconButton icon="gear" label={say('settings')} onClick={() => model.ask({ kind: 'settings' })} />
    </div>
  );
}

const roleOf = (role: Role) => (role === Role.ROLE_ADMIN ? 'admin' : role === Role.ROLE_MODERATOR ? 'moderator' : undefined);

const MemberRow = memo(({ member, isMe, model }: { member: Member; isMe: boolean; model: Model }) => {
  const { say } = model.language;
  const { userId, nick, away, role } = member;
  const title = roleOf(role);
  return (
    <li>
      <button type="button" class={`member ${away ? 'away' : ''}`} onClick={() => model.ask({ kind: 'person', userId, nick })}>
        <Avatar id={userId} name={nick} isAway={away} />
        <bdi class="member-name">{nick}</bdi>
        {isMe && <span class="quiet">({say('you')})</span>}
        {title && <span class="role" title={say(title)}>{say(title)}</span>}
        {away && <span class="unseen">{say('away')}</span>}
      </button>
    </li>
  );
});

export function People({ model, room }: { model: Model; room: Room }) {
  const { say, compare } = model.language;
  const { members, online } = room;
  const me = model.me?.userId;
  const sorted = useMemo(
    () => [...members.values()].sort((a, b) =>
      Number(b.userId === me) - Number(a.userId === me) || Number(a.away) - Number(b.away) || compare(a.nick, b.nick)),
    [members, me, model.language],
  );
  return (
    <aside class="side people" aria-label={say('people')}>
      <div class="side-title">
        <h2>{say('people')}</h2>
        {online > 0 && <span class="quiet" id="online">{online}</span>}
        <IconButton icon="close" class="drawer-close" label={say('close')} onClick={() => model.closeDrawer()} />
      </div>
      {members.size > 0 && (
        <ul class="side-list members">
          {sorted.map((member) => (
            <MemberRow key={member.userId} member={member} isMe={member.userId === me} model={model} />
          ))}
        </ul>
      )}
      {!members.size && online > 0 && <p class="side-note">{say('peopleHere', { n: online })}</p>}
    </aside>
  );
}

// ---- search ----

const SEARCH_MS = 250;

interface Found {
  text: string;
  items: readonly Item[];
  /** Search on below this offset; 0: all was searched. */
  before: bigint;
}

export function Search({ room }: { room: Room }) {
  const model = useModel();
  const { language } = model;
  const { say } = language;
  const [text, setText] = useState(model.searchText);
  const [found, setFound] = useState<Found>();
  const [isBusy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const turn = useRef(0);

  const search = async (before: bigint) => {
    const mine = ++turn.current;
    const wanted = text.trim();
    if (!wanted) {
      setFound(undefined);
      return;
    }
    setBusy(true);
    await model.attempt(async () => {
      const { items, continueBefore } = await room.call('search', { text: wanted, before });
      if (mine === turn.current) {
        const older = before ? (found?.items ?? []) : [];
        setFound({ text: wanted, items: [...older, ...items] as Item[], before: continueBefore });
      }
    });
    if (mine === turn.current) {
      setBusy(false);
    }
  };
  useEffect(() => {
    const timer = setTimeout(() => search(0n), SEARCH_MS);
    return () => clearTimeout(timer);
  }, [text, room]);
  useEffect(() => {
    setText(model.searchText);
    input.current?.focus();
  }, [model.searchTurn]);

  return (
    <aside class="side search" aria-label={say('search')}>
      <div class="side-title">
        <h2>{say('search')}</h2>
        <IconButton icon="close" label={say('close')} onClick={() => model.closeSearch()} />
      </div>
      <form class="search-form" role="search" onSubmit={(event) => {
        event.preventDefault();
        search(0n);
      }}>
        <Icon name="search" />
        <input ref={input} type="search" dir="auto" value={text} maxLength={80} aria-label={say('searchIn', { room: room.name })}
          placeholder={say('searchIn', { room: room.name })} onInput={(event) => setText(event.currentTarget.value)} />
      </form>
      <div class="results" aria-live="polite">
        {!text.trim() && <p class="side-note">{say('searchHint')}</p>}
        {found && !found.items.length && !found.before && <p class="side-note">{say('searchNone', { text: found.text })}</p>}
        {found?.items.map((item) => (
          <button type="button" class="result" key={String(item.offset)} onClick={() => model.show(item.offset)}>
            <span class="result-by"><bdi>{item.sender}</bdi><time>{language.when(timeOf(item))}</time></span>
            <span class="result-text" dir="auto"><Marked text={item.message} wanted={found.text} /></span>
          </button>
        ))}
        {isBusy && <Spinner />}
        {found && found.before > 0n && !isBusy && (
          <button type="button" class="link-button" onClick={() => search(found.before)}>{say('searchMore')}</button>
        )}
      </div>
    </aside>
  );
}

const AROUND_CHARS = 60;
const RESULT_CHARS = 200;

function Marked({ text, wanted }: { text: string; wanted: string }) {
  const at = text.toLowerCase().indexOf(wanted.toLowerCase());
  if (at < 0) {
    return <>{text.slice(0, RESULT_CHARS)}</>;
  }
  const start = at > AROUND_CHARS ? at - AROUND_CHARS : 0;
  const end = at + wanted.length;
  return (
    <>
      {start > 0 && '…'}{text.slice(start, at)}<mark>{text.slice(at, end)}</mark>{text.slice(end, start + RESULT_CHARS)}
    </>
  );
}
