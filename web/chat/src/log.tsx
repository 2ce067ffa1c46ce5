// log.tsx: the list of messages. It follows what is new while it is at its end, and else holds still: whatever is put in
// or taken out above, the first message that is seen stays where it is. Browsers' own scroll anchoring is switched off,
// because not all have it.
import { type Item, type Room } from '@stoa/client/chat';
import { Component, createRef } from 'preact';

import { type Language } from './language.js';
import { Message, Pending } from './message.js';
import { type Model } from './model.js';
import { memo, Spinner } from './parts.js';
import { type Block, Blocks, nextStep, rowsOf, type Row } from './rows.js';

// So near to the end counts as the end.
const END_PX = 30;
// Older and newer pages are loaded when the end of what is there is so near.
const LOAD_PX = 1000;
const PAGE_MESSAGES = 15;
const TARGET_MS = 2500;

interface Props {
  model: Model;
  room: Room;
  /** Changes with everything that is shown. */
  version: number;
}

interface State {
  isFollowing: boolean;
  activeKey: string;
  isPicking: boolean;
  targetKey: string;
}

interface Anchor {
  node: Element;
  top: number;
}

export class Log extends Component<Props, State> {
  override state: State = { isFollowing: true, activeKey: '', isPicking: false, targetKey: '' };
  private readonly box = createRef<HTMLDivElement>();
  private readonly list = createRef<HTMLDivElement>();
  private readonly blocks = new Blocks();
  private readonly sizes = new ResizeObserver(() => this.resized());
  private isPlaced = false;
  /** Shown with the next frame, with what was loaded. */
  private isLoading = false;
  /** The messages in the list: all of the room's, or what nextStep() lets this frame show of a loaded page. */
  private shown: readonly Item[] = [];
  private isPartial = false;
  private anchors: Anchor[] = [];
  private outgoing = 0;
  /** Where toEnd() left it. */
  private endTop = 0;
  /** A person has scrolled, and the event of it is still to come. */
  private isScrolled = false;

  // ---- life ----

  override componentDidMount(): void {
    this.sizes.observe(this.box.current!);
    this.place();
    this.afterUpdate();
  }

  override componentWillUnmount(): void {
    this.sizes.disconnect();
    this.props.model.isAtEnd = false;
  }

  override getSnapshotBeforeUpdate(): null {
    this.isScrolled = this.isPlaced && this.state.isFollowing && !this.isAtEnd && this.box.current!.scrollTop < this.endTop - 1;
    this.anchors = this.state.isFollowing && !this.isScrolled ? [] : this.findAnchors();
    return null;
  }

  override componentDidUpdate(): void {
    if (!this.isPlaced) {
      this.place();
    } else if (this.state.isFollowing && !this.isScrolled) {
      this.toEnd();
    } else {
      this.restore();
    }
    this.afterUpdate();
  }

  private afterUpdate(): void {
    const { model, room } = this.props;
    const isNewOne = room.outgoing.length > this.outgoing;
    this.outgoing = room.outgoing.length;
    if (isNewOne && !this.state.isFollowing) {
      this.showNewest();
    }
    if (model.target) {
      this.showTarget();
    }
    this.props.model.isAtEnd = this.isPlaced && this.state.isFollowing && !this.isScrolled && !room.window.moreAfter;
    this.tellRead();
    this.loadMore();
    if (this.isPartial) {
      model.changed();
    }
  }

  // The first time: at the first unread message, else at the end.
  private place(): void {
    const { room } = this.props;
    if (room.state === 'joined' || room.messages.length) {
      this.isPlaced = true;
      const box = this.box.current!;
      const line = box.querySelector('.unread-line');
      this.toEnd();
      if (line) {
        const above = line.getBoundingClientRect().top - box.getBoundingClientRect().top;
        box.scrollTop += Math.min(0, above - box.clientHeight / 3);
      }
      this.look();
    }
  }

  // ---- where it is ----

  private get isAtEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.box.current!;
    return scrollHeight - scrollTop - clientHeight <= END_PX && !this.isPartial && !this.props.room.window.moreAfter;
  }

  private toEnd(): void {
    const box = this.box.current!;
    box.scrollTop = box.scrollHeight;
    this.endTop = box.scrollTop;
  }

  private get messages(): HTMLCollectionOf<Element> {
    return this.list.current!.getElementsByClassName('message');
  }

  // The messages that are seen now, and where. More than the first, because it may be taken out.
  private findAnchors(): Anchor[] {
    const { top, bottom } = this.box.current!.getBoundingClientRect();
    const nodes = this.messages;
    let [low, high] = [0, nodes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (nodes[middle]!.getBoundingClientRect().bottom > top) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    const anchors: Anchor[] = [];
    for (let at = low; at < nodes.length; at += 1) {
      const node = nodes[at]!;
      const place = node.getBoundingClientRect();
      if (place.top > bottom) {
        break;
      }
      anchors.push({ node, top: place.top });
    }
    return anchors;
  }

  private restore(): void {
    const anchor = this.anchors.find(({ node }) => node.isConnected);
    if (anchor) {
      const moved = anchor.node.getBoundingClientRect().top - anchor.top;
      if (moved) {
        this.box.current!.scrollTop += moved;
      }
    }
  }

  private resized(): void {
    if (this.state.isFollowing) {
      this.toEnd();
    } else {
      this.restore();
    }
  }

  private look(): void {
    const isFollowing = this.isAtEnd;
    if (isFollowing !== this.state.isFollowing) {
      this.setState({ isFollowing });
    }
  }

  private readonly onScroll = (): void => {
    if (this.isPlaced) {
      this.look();
      this.anchors = this.state.isFollowing ? [] : this.findAnchors();
      this.tellRead();
      this.loadMore();
    }
  };

  // Read is what a person can see: the page is shown and has the focus, and the end is in view.
  private tellRead(): void {
    const { model, room } = this.props;
    if (this.isPlaced && model.isAttentive && room.state === 'joined' && this.isAtEnd) {
      room.read();
    }
  }

  // ---- more messages ----

  private async load(run: () => Promise<void>): Promise<void> {
    const { model } = this.props;
    if (!this.isLoading) {
      this.isLoading = true;
      model.changed();
      await model.attempt(run);
      this.isLoading = false;
      model.changed();
    }
  }

  private readonly loadMissing = (): void => {
    this.load(() => this.props.room.loadOlder());
  };

  private loadMore(): void {
    const { room } = this.props;
    const { scrollTop, scrollHeight, clientHeight } = this.box.current!;
    if (!this.isPlaced || this.isLoading || this.isPartial || room.state !== 'joined') {
      return;
    }
    if (room.window.moreBefore && scrollTop < LOAD_PX) {
      this.load(() => room.loadOlder(PAGE_MESSAGES));
    } else if (room.window.moreAfter && scrollHeight - scrollTop - clientHeight < LOAD_PX) {
      this.load(() => room.loadNewer(PAGE_MESSAGES));
    }
  }

  private readonly showNewest = async (): Promise<void> => {
    const { room, model } = this.props;
    if (room.window.moreAfter) {
      await model.attempt(() => room.loadNewest());
    }
    this.setState({ isFollowing: true }, () => this.toEnd());
  };

  private showTarget(): void {
    const { model, room } = this.props;
    const { offset } = model.target!;
    if (this.isPartial) {
      return;
    }
    const key = rowsOf(room.messages, [], this.marks()).find((row) => row.kind === 'message' && row.item.offset === offset)?.key;
    model.target = undefined;
    const node = key && this.nodeOf(key);
    if (node) {
      this.setState({ targetKey: key, isFollowing: false }, () => {
        node.scrollIntoView({ block: 'center' });
        node.focus({ preventScroll: true });
        this.look();
      });
      setTimeout(() => this.setState({ targetKey: '' }), TARGET_MS);
    }
  }

  // ---- the active message, which shows its actions ----

  private nodeOf(key: string): HTMLElement | undefined {
    return [...this.messages].find((node) => (node as HTMLElement).dataset.key === key) as HTMLElement;
  }

  private activate(key: string): void {
    if (key !== this.state.activeKey && !this.state.isPicking) {
      this.setState({ activeKey: key });
    }
  }

  // Not `mouseover`, which also comes when the list moves below a mouse that rests.
  private readonly onPoint = ({ target }: Event): void => {
    this.activate((target as Element).closest<HTMLElement>('.message')?.dataset.key ?? this.state.activeKey);
  };

  private readonly onLeave = (): void => {
    if (!this.list.current!.contains(document.activeElement)) {
      this.activate('');
    }
  };

  private readonly onFocusOut = ({ relatedTarget }: FocusEvent): void => {
    if (!this.box.current!.contains(relatedTarget as Node | null) && !this.box.current!.matches(':hover')) {
      this.activate('');
    }
  };

  private readonly setPicking = (isPicking: boolean): void => {
    this.setState({ isPicking });
    if (!isPicking) {
      this.nodeOf(this.state.activeKey)?.focus({ preventScroll: true });
    }
  };

  private activeItem(): Item | undefined {
    const rows = rowsOf(this.props.room.messages, [], this.marks());
    const row = rows.find(({ key }) => key === this.state.activeKey);
    return row?.kind === 'message' ? row.item : undefined;
  }

  private walk(step: number): void {
    const nodes = [...this.messages] as HTMLElement[];
    const at = nodes.findIndex((node) => node.contains(document.activeElement));
    const next = nodes[at < 0 ? nodes.length - 1 : Math.min(nodes.length - 1, Math.max(0, at + step))];
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: 'nearest' });
  }

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    const { model } = this.props;
    const isOnRow = (event.target as Element).matches('.message, #log');
    if (event.ctrlKey || event.metaKey || event.altKey || !isOnRow) {
      return;
    }
    const item = this.activeItem();
    const isOnMessage = item !== undefined && (event.target as Element).matches('.message') && !item.deleted;
    if (event.key === 'ArrowUp' || event.key === 'ArrowDown') {
      this.walk(event.key === 'ArrowUp' ? -1 : 1);
    } else if (event.key === 'End') {
      this.showNewest();
    } else if (isOnMessage && event.key.toLowerCase() === 'r') {
      model.reply(item);
    } else if (isOnMessage && event.key.toLowerCase() === 'e' && model.isMine(item)) {
      model.startEdit(item);
    } else if (isOnMessage && event.key === 'Delete' && model.mayDelete(item)) {
      model.ask({ kind: 'delete', item });
    } else if (isOnMessage && event.key === '+') {
      this.setPicking(true);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  // ---- view ----

  private marks() {
    const { model, room } = this.props;
    const { unreadAfter, gapBefore } = model.viewOf(room.name);
    return { unreadAfter, gapBefore, me: model.me?.userId ?? '', isSentHere: model.isSentHere };
  }

  // Only the block with the message has to know.
  private block(block: Block, newestSent: string) {
    const { model, room } = this.props;
    const { activeKey, isPicking, targetKey } = this.state;
    const has = (key: string) => (key && block.rows.some((row) => row.key === key) ? key : '');
    const active = has(activeKey);
    return (
      <BlockView key={block.key} block={block} model={model} language={model.language} nick={model.me?.nick ?? ''}
        me={model.me?.userId ?? ''} active={active} isPicking={active !== '' && isPicking} target={has(targetKey)}
        newestSent={has(newestSent)} mayChange={room.state === 'joined'} isOnline={model.chat?.isOpen === true}
        setPicking={this.setPicking} loadMissing={this.loadMissing} />
    );
  }

  private newestSent(): string {
    const { model, room } = this.props;
    for (let at = room.messages.length - 1; at >= 0; at -= 1) {
      const item = room.messages[at]!;
      if (model.isSentHere(item.clientMsgId) && model.isMine(item)) {
        return `own ${item.clientMsgId}`;
      }
    }
    return '';
  }

  private start() {
    const { model, room } = this.props;
    const { say } = model.language;
    const name = room.name || model.roomName;
    if (room.window.moreBefore || (this.isLoading && room.messages.length)) {
      return <Spinner isBusy={this.isLoading}>{say('loading')}</Spinner>;
    }
    if (room.state === 'joining' && !room.messages.length && !room.place) {
      return <Skeleton />;
    }
    return (
      <div id="start" class="start">
        <h2>{say('empty', { room: name })}</h2>
        {room.topic && <p dir="auto">{room.topic}</p>}
        {!room.messages.length && !room.outgoing.length && <p>{say('emptyHint')}</p>}
      </div>
    );
  }

  override render({ model, room }: Props, { isFollowing }: State) {
    const { say, clock } = { say: model.language.say, clock: (ms: number) => model.language.clock(ms) };
    const newestSent = this.newestSent();
    this.shown = nextStep(this.shown, room.messages, !isFollowing);
    this.isPartial = this.shown.length < room.messages.length;
    const blocks = this.blocks.update(rowsOf(this.shown, room.outgoing, this.marks()));
    const { resetAt } = model.viewOf(room.name);
    const isBehind = !isFollowing && (room.unread > 0 || room.window.moreAfter);
    return (
      <div class="conversation">
        <div id="log" class="log" role="log" tabIndex={0} aria-label={say('log')} ref={this.box}
          aria-live={isFollowing && !this.isLoading ? 'polite' : 'off'} onScroll={this.onScroll} onKeyDown={this.onKeyDown}
          onMouseMove={this.onPoint} onFocusIn={this.onPoint} onMouseLeave={this.onLeave} onFocusOut={this.onFocusOut}>
          {this.start()}
          {resetAt && <div key="reset" class="note"><span>{say('reset', { time: clock(resetAt) })}</span></div>}
          <div key="list" id="list" class="list" ref={this.list}>
            {blocks.map((block) => this.block(block, newestSent))}
          </div>
        </div>
        {!isFollowing && (
          <button type="button" id="newer" class={`newer ${isBehind ? 'behind' : ''}`} onClick={this.showNewest}
            aria-label={room.unread ? undefined : say('toNewest')}>
            {room.unread > 0 && <span>{say('newer', { n: room.unread })}</span>}
            <svg class="icon" viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
              <path d="m6 9.400 6 6 6-6L16.600 8 12 12.600 7.400 8z" fill="currentColor" />
            </svg>
          </button>
        )}
      </div>
    );
  }
}

interface BlockProps {
  block: Block;
  model: Model;
  language: Language;
  nick: string;
  me: string;
  /** Keys of messages, '' when they are in other blocks. */
  active: string;
  target: string;
  newestSent: string;
  isPicking: boolean;
  mayChange: boolean;
  isOnline: boolean;
  setPicking(isOn: boolean): void;
  loadMissing(): void;
}

// Drawn again only when one of its rows, or something that all show, is another.
const BlockView = memo((props: BlockProps) => (
  <div class={`block ${props.active ? 'raised' : ''}`}>{props.block.rows.map((row) => rowView(row, props))}</div>
));

function rowView(row: Row, { model, language, nick, me, active, target, newestSent, ...rest }: BlockProps) {
  switch (row.kind) {
    case 'day':
      return <div key={row.key} class="day"><span>{language.day(row.ms)}</span></div>;
    case 'unread':
      return <div key={row.key} class="unread-line"><span>{language.say('unread')}</span></div>;
    case 'gap':
      return (
        <div key={row.key} class="note">
          <span>{language.say('gap')}</span>
          <button type="button" class="link-button" onClick={rest.loadMissing}>{language.say('loadMissing')}</button>
        </div>
      );
    case 'message':
      return (
        <Message key={row.key} rowKey={row.key} item={row.item} ms={row.ms} isHead={row.isHead} nick={nick}
          language={language} isMine={model.isMine(row.item)} quoted={row.quoted} isActive={row.key === active}
          isPicking={row.key === active && rest.isPicking} isNewestSent={row.key === newestSent}
          isTarget={row.key === target} mayChange={rest.mayChange} setPicking={rest.setPicking} />
      );
    case 'outgoing':
      return (
        <Pending key={row.key} rowKey={row.key} message={row.message} state={row.state} isHead={row.isHead} isMine
          nick={nick} userId={me} language={language} quoted={row.quoted} isOnline={rest.isOnline} />
      );
  }
}

// The shape of what comes.
const Skeleton = () => (
  <div class="skeleton" aria-hidden="true">
    {[60, 85, 40, 70].map((width) => (
      <div key={width}><span /><p data-width={width} /></div>
    ))}
  </div>
);
