// message.tsx: one message of the list: author, time, text, reactions, and what may be done with it.
import { type Item, type Outgoing } from '@stoa/client/chat';
import { type ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';

import { EMOJI, QUICK } from './emoji.js';
import { Icon, IconButton } from './icons.js';
import { type Language } from './language.js';
import { type Model } from './model.js';
import { Avatar, memo, useModel } from './parts.js';
import { actionOf, isFewSymbols, isLong, mentions, parse, type Piece } from './text.js';

const COPIED_MS = 2000;

function CodeBlock({ text, language }: { text: string; language: string }) {
  const { language: { say } } = useModel();
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), COPIED_MS);
  };
  return (
    <div class="code-block">
      <pre dir="ltr" tabIndex={0} data-language={language}><code>{text}</code></pre>
      <IconButton icon={isCopied ? 'check' : 'copy'} label={say(isCopied ? 'copied' : 'copy')} onClick={copy} />
    </div>
  );
}

// The depth is bounded by the parser.
function nodesOf(pieces: readonly Piece[], nick: string): ComponentChildren {
  return pieces.map((piece) => {
    switch (piece.kind) {
      case 'text':
        return piece.text;
      case 'link':
        return <a href={piece.href} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">{piece.text}</a>;
      case 'code':
        return <code dir="ltr">{piece.text}</code>;
      case 'mention':
        return <span class={mentions(piece.text, nick) ? 'mention self' : 'mention'}>{piece.text}</span>;
      case 'block':
        return <CodeBlock text={piece.text} language={piece.language} />;
      case 'quote':
        return <blockquote>{nodesOf(piece.pieces, nick)}</blockquote>;
      case 'strong':
        return <strong>{nodesOf(piece.pieces, nick)}</strong>;
      case 'em':
        return <em>{nodesOf(piece.pieces, nick)}</em>;
      case 'del':
        return <del>{nodesOf(piece.pieces, nick)}</del>;
    }
  });
}

function Text({ text, sender, nick, say, isEdited = false }: {
  text: string; sender: string; nick: string; say: Language['say']; isEdited?: boolean;
}) {
  const [isOpen, setOpen] = useState(false);
  const action = actionOf(text);
  const nodes = useMemo(() => nodesOf(parse(action ?? text), nick), [text, nick]);
  const isFolded = isLong(text) && !isOpen;
  const look = [isFolded && 'long', action && 'action', isFewSymbols(text) && 'symbols',
    isEdited && !isLong(text) && 'before-mark'].filter(Boolean).join(' ');
  return (
    <>
      <div class={`text ${look}`} dir="auto">{action && <><bdi class="action-name">{sender}</bdi> </>}{nodes}</div>
      {isLong(text) && (
        <button type="button" class="show-all link-button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {say(isOpen ? 'showLess' : 'showAll')}
        </button>
      )}
    </>
  );
}

function Quoted({ item, offset, say, show }: {
  item: Item | undefined; offset: bigint; say: Language['say']; show(offset: bigint): void;
}) {
  return (
    <button type="button" class="quoted" onClick={() => show(offset)}>
      <Icon name="reply" />
      {item && !item.deleted && <bdi class="quoted-name">{item.sender}</bdi>}
      <span class="quoted-text" dir="auto">
        {item ? (item.deleted ? say('deleted') : item.message.slice(0, 200)) : say('original')}
      </span>
    </button>
  );
}

function Reactions({ item, model }: { item: Item; model: Model }) {
  return (
    <div class="reactions">
      {[...item.reactions].map(([emoji, { count, mine }]) => {
        const who = model.reactedBy(item, emoji);
        return (
          <button type="button" key={emoji} class="reaction" aria-pressed={mine} title={who} aria-label={who}
            onClick={() => model.react(item, emoji)}>
            <span aria-hidden="true">{emoji}</span> <span class="count" aria-hidden="true">{count}</span>
          </button>
        );
      })}
    </div>
  );
}

function Picker({ choose, close }: { choose(emoji: string): void; close(): void }) {
  const all = useMemo(() => [...new Set([...QUICK, ...EMOJI.values()])], []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      close();
    }
  };
  return (
    <div class="picker" role="group" onKeyDown={onKeyDown}>
      {all.map((emoji, at) => (
        <button type="button" key={emoji} ref={at ? undefined : (node) => node?.focus()}
          onClick={() => choose(emoji)}>{emoji}</button>
      ))}
    </div>
  );
}

// The actions of a message whose top is out of view stand at the top of what is seen.
function keepInView(node: HTMLElement | null): void {
  const log = node?.closest('.log');
  if (node && log) {
    const hidden = log.getBoundingClientRect().top - node.getBoundingClientRect().top;
    if (hidden > 0) {
      node.style.top = `${node.offsetTop + hidden + 2}px`;
    }
  }
}

function Actions({ item, isMine, isPicking, setPicking }: {
  item: Item; isMine: boolean; isPicking: boolean; setPicking(isOn: boolean): void;
}) {
  const model = useModel();
  const { say } = model.language;
  const choose = (emoji: string) => {
    setPicking(false);
    model.react(item, emoji);
  };
  return (
    <div class="actions" role="group" aria-label={say('actions')} ref={keepInView}
      onMouseDown={(event) => event.preventDefault()}>
      {QUICK.slice(0, 3).map((emoji) => (
        <button type="button" key={emoji} class="icon-button quick" aria-label={`${say('react')} ${emoji}`} title={emoji}
          onClick={() => choose(emoji)}>{emoji}</button>
      ))}
      <IconButton icon="react" label={say('react')} isExpanded={isPicking} class="add-reaction"
        onClick={() => setPicking(!isPicking)} />
      <IconButton icon="reply" label={say('reply')} class="reply" onClick={() => model.reply(item)} />
      <IconButton icon="copy" label={say('copyText')} class="copy-text" onClick={() => model.copy(item.message)} />
      {isMine && <IconButton icon="edit" label={say('edit')} class="edit" onClick={() => model.startEdit(item)} />}
      {model.mayDelete(item) && (
        <IconButton icon="trash" label={say('remove')} class="delete" onClick={() => model.ask({ kind: 'delete', item })} />
      )}
      {isPicking && <Picker choose={choose} close={() => setPicking(false)} />}
    </div>
  );
}

interface RowProps {
  rowKey: string;
  isHead: boolean;
  isMine: boolean;
  nick: string;
  language: Language;
}

interface FrameProps extends RowProps {
  look: string;
  userId: string;
  sender: string;
  ms: number;
  above?: ComponentChildren;
  children: ComponentChildren;
}

// Author and time once a group; the others show their time when they are pointed at.
function Frame({ rowKey, isHead, isMine, language, look, userId, sender, ms, above, children }: FrameProps) {
  const model = useModel();
  const date = ms ? new Date(ms).toISOString() : undefined;
  const time = <time dateTime={date} title={ms ? language.full(ms) : undefined}>{ms ? language.clock(ms) : ''}</time>;
  return (
    <div class={`message ${isHead ? 'head' : 'continues'} ${isMine ? 'own' : ''} ${look}`} data-key={rowKey} tabIndex={-1}>
      {above}
      <div class="gutter">{isHead ? <Avatar id={userId} name={sender} /> : time}</div>
      <div class="body">
        {isHead ? (
          <p class="by">
            <button type="button" class="sender" tabIndex={-1}
              onClick={() => model.ask({ kind: 'person', userId, nick: sender })}><bdi>{sender}</bdi></button>
            {time}
          </p>
        ) : (
          <span class="sender">{sender}</span>
        )}
        {children}
      </div>
    </div>
  );
}

export interface MessageProps extends RowProps {
  item: Item;
  ms: number;
  quoted: Item | undefined;
  isActive: boolean;
  isPicking: boolean;
  isNewestSent: boolean;
  isTarget: boolean;
  mayChange: boolean;
  setPicking(isOn: boolean): void;
}

export const Message = memo((props: MessageProps) => {
  const { item, ms, quoted, isActive, isPicking, isMine, isNewestSent, isTarget, nick, language, mayChange } = props;
  const { say } = language;
  const model = useModel();
  const isNamed = !isMine && !item.deleted && mentions(item.message, nick);
  const look = [isNamed && 'named', item.deleted && 'deleted', isActive && 'active', isTarget && 'target',
    isNewestSent && 'marked'];
  const above = item.replyTo > 0n && !item.deleted && (
    <Quoted item={quoted} offset={item.replyTo} say={say} show={(offset) => model.show(offset)} />
  );
  return (
    <Frame {...props} look={look.filter(Boolean).join(' ')} userId={item.userId} sender={item.sender || '…'}
      ms={ms} above={above}>
      {item.deleted ? (
        <p class="text tombstone">{say('deleted')}</p>
      ) : (
        <Text text={item.message} sender={item.sender} nick={nick} say={say} isEdited={item.editedMs > 0n} />
      )}
      {item.editedMs > 0n && (
        <span class="edited" title={say('editedAt', { time: language.full(Number(item.editedMs)) })}>({say('edited')})</span>
      )}
      {item.reactions.size > 0 && <Reactions item={item} model={model} />}
      {isNewestSent && (
        <span class="mark sent" title={say('sent')}><Icon name="check" /><span class="unseen">{say('sent')}</span></span>
      )}
      {isActive && mayChange && !item.deleted && (
        <Actions item={item} isMine={isMine} isPicking={isPicking} setPicking={props.setPicking} />
      )}
    </Frame>
  );
});

export interface PendingProps extends RowProps {
  message: Outgoing;
  state: Outgoing['state'];
  userId: string;
  quoted: Item | undefined;
  isOnline: boolean;
}

/** A message that is not stored yet. */
export const Pending = memo((props: PendingProps) => {
  const { message, state, userId, nick, language: { say }, quoted, isOnline } = props;
  const model = useModel();
  const hint = say(state === 'sent' || isOnline ? 'sending' : 'waiting');
  const above = message.replyTo > 0n && (
    <Quoted item={quoted} offset={message.replyTo} say={say} show={(offset) => model.show(offset)} />
  );
  return (
    <Frame {...props} look={`pending ${state}`} isMine userId={userId} sender={nick} ms={message.sinceMs} above={above}>
      <Text text={message.text} sender={nick} nick={nick} say={say} />
      {state === 'failed' ? (
        <p class="failure">
          <Icon name="alert" />
          <span>{say('failed')} {message.error && model.errorText(message.error)}</span>
          <button type="button" class="link-button retry" onClick={() => message.retry()}>{say('retry')}</button>
          <button type="button" class="link-button discard" onClick={() => message.discard()}>{say('discard')}</button>
        </p>
      ) : (
        <span class="mark" title={hint}><Icon name="clock" /><span class="unseen">{hint}</span></span>
      )}
    </Frame>
  );
});
