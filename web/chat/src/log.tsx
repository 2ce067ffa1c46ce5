// log.tsx: the list of messages. It follows what is new while it is at its end, and else holds still: whatever is put in
// or taken out above, the first message that is seen stays where it is. Browsers' own scroll anchoring is switched off,
// because not all have it.
//
// The rows are put in by hand, in a frame of their own before all else is drawn (Model.showRows).
import { type Item, type Room } from '@stoa/client/chat';
import { Component, createRef } from 'preact';

import { List } from './list.js';
import { type Model } from './model.js';
import { Spinner } from './parts.js';
import { type RowContext } from './row.js';
import { Blocks, isWhole, nextStep, rowsOf, type Row, STEP_MESSAGES } from './rows.js';
import { isSame } from './text.js';

// So near to the end counts as the end.
const END_PX = 30;
// Older and newer pages are loaded when the end of what is there is so near.
const LOAD_PX = 1000;
const PAGE_MESSAGES = 15;
const TARGET_MS = 2500;
const ANCHORS = 3;

interface Props {
  model: Model;
  room: Room;
  /** Changes with everything that is shown. */
  version: number;
}

interface State {
  isFollowing: boolean;
}

interface Anchor {
  node: Element;
  top: number;
}

// Of elements in their order.
function firstOf(nodes: HTMLCollection, is: (node: Element) => boolean): number {
  let [low, high] = [0, nodes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (is(nodes[middle]!)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

export class Log extends Component<Props, State> {
  override state: State = { isFollowing: true };
  private readonly box = createRef<HTMLDivElement>();
  private readonly place = createRef<HTMLDivElement>();
  private list!: List;
  private readonly blocks = new Blocks();
  private readonly sizes = new ResizeObserver(() => this.resized());
  private isPlaced = false;
  /** Shown with the next frame, with what was loaded. */
  private isLoading = false;
  /** The messages in the list: all of the room's, or what nextStep() lets this frame show of a loaded page. */
  private shown: readonly Item[] = [];
  private isPartial = false;
  private rows: readonly Row[] = [];
  /** What the rows were made of. */
  private facts: readonly unknown[] = [];
  private activeKey = '';
  private isPicking = false;
  private targetKey = '';
  /** Where messages were when the list was scrolled to there, and had these rows. */
  private anchors: Anchor[] = [];
  private anchorsTop = 0;
  private anchorsOf?: readonly Row[];
  // Browsers scroll by whole pixels: how far the anchors are from where they should be, as long as scrollTop is this.
  private driftTop = 0;
  private drift = 0;
  private outgoing = 0;
  /** What stands above the rows, when it was drawn last. */
  private top = '';
  /** Where toEnd() left it. */
  private endTop = 0;
  /** A person has scrolled, and the event of it is still to come. */
  private isScrolled = false;

  // ---- life ----

  override componentDidMount(): void {
    const { model } = this.props;
    this.list = new List(this.place.current!, { setPicking: this.setPicking, loadMissing: this.loadMissing });
    this.sizes.observe(this.box.current!);
    model.showRows = this.showRows;
    this.top = this.topOf();
    this.begin();
    this.afterUpdate();
  }

  override componentWillUnmount(): void {
    const { model } = this.props;
    this.sizes.disconnect();
    this.list.close();
    model.isAtEnd = false;
    if (model.showRows === this.showRows) {
      model.showRows = undefined;
    }
  }

  override getSnapshotBeforeUpdate(): null {
    if (this.topOf() !== this.top) {
      this.beforeUpdate();
    }
    return null;
  }

  override componentDidUpdate(): void {
    if (!this.isPlaced) {
      this.begin();
    } else if (this.topOf() !== this.top) {
      this.hold();
    }
    this.top = this.topOf();
    this.afterUpdate();
  }

  // The first time: at the first unread message, else at the end.
  private begin(): void {
    const { room } = this.props;
    this.updateRows();
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

  private beforeUpdate(): void {
    const isMoved = () => !this.isAtEnd && this.box.current!.scrollTop < this.endTop - 1;
    this.isScrolled = this.isPlaced && this.state.isFollowing && isMoved();
    this.anchors = this.state.isFollowing && !this.isScrolled ? [] : this.findAnchors();
  }

  private hold(): void {
    if (this.state.isFollowing && !this.isScrolled) {
      this.toEnd();
    } else {
      this.restore();
    }
  }

  private afterUpdate(): void {
    const { model, room } = this.props;
    const isNewOne = room.outgoing.length > this.outgoing;
    this.outgoing = room.outgoing.length;
    this.setLive();
    if (isNewOne && !this.state.isFollowing) {
      this.showNewest();
    }
    if (model.target) {
      this.showTarget();
    }
    model.isAtEnd = this.isPlaced && this.state.isFollowing && !this.isScrolled && !room.window.moreAfter;
    this.tellRead();
    this.loadMore();
    if (this.isPartial) {
      model.again();
    }
  }

  // What is loaded is not read aloud.
  private setLive(): void {
    const box = this.box.current!;
    const live = this.state.isFollowing && !this.isLoading ? 'polite' : 'off';
    if (box.getAttribute('aria-live') !== live) {
      box.setAttribute('aria-live', live);
    }
  }

  // ---- rows ----

  // Before it has its place, the rows are put in with what stands above them.
  private readonly showRows = (): boolean => {
    if (!this.isPlaced) {
      return false;
    }
    const isChanged = this.updateRows();
    this.afterUpdate();
    return isChanged;
  };

  private updateRows(): boolean {
    const { room } = this.props;
    const context = this.rowContext();
    const facts = [room.messages, room.outgoing.length, ...Object.values(this.marks()), ...Object.values(context)];
    if (!room.outgoing.length && !this.isPartial && isSame(facts, this.facts)) {
      this.mark();
      return false;
    }
    this.facts = facts;
    this.shown = nextStep(this.shown, room.messages, !this.state.isFollowing);
    this.isPartial = !isWhole(this.shown, room.messages);
    const rows = rowsOf(this.shown, room.outgoing, this.marks());
    const blocks = this.blocks.update(rows);
    const isChanged = !this.list.isShown(blocks, context);
    if (isChanged) {
      this.setLive();
      this.beforeUpdate();
      this.list.update(blocks, context);
      this.rows = rows;
    }
    this.mark();
    if (isChanged && this.isPlaced) {
      this.hold();
    }
    return isChanged;
  }

  private mark(): void {
    this.list.mark({
      active: this.activeKey, target: this.targetKey, newestSent: this.newestSent(), isPicking: this.isPicking,
      mayChange: this.props.room.state === 'joined',
    });
  }

  // ---- where it is ----

  private get isAtEnd(): boolean {
    const { scrollHeight, scrollTop, clientHeight } = this.box.current!;
    // Who follows sees the newest message, whatever is still to be taken out.
    const isLast = this.state.isFollowing || !this.isPartial;
    return scrollHeight - scrollTop - clientHeight <= END_PX && isLast && !this.props.room.window.moreAfter;
  }

  private toEnd(): void {
    const box = this.box.current!;
    box.scrollTop = box.scrollHeight;
    this.endTop = box.scrollTop;
  }

  private get messages(): HTMLCollectionOf<Element> {
    return this.place.current!.getElementsByClassName('message');
  }

  // The first messages that are seen now, and where: some, because the first may be taken out. To ask for a place costs
  // as much as a line of text, so it is done once a frame.
  private findAnchors(): Anchor[] {
    const { scrollTop } = this.box.current!;
    if (this.anchors.length && scrollTop === this.anchorsTop && this.anchorsOf === this.rows) {
      return this.anchors;
    }
    // Otherwise a page that comes in many steps would move by a part of a pixel with each.
    const drift = scrollTop === this.driftTop ? this.drift : 0;
    const { top } = this.box.current!.getBoundingClientRect();
    const isSeen = (node: Element) => node.getBoundingClientRect().bottom > top;
    const blocks = this.place.current!.children;
    const anchors: Anchor[] = [];
    let block: Element | null | undefined = blocks[firstOf(blocks, isSeen)];
    let node: Element | null = block?.children[firstOf(block.children, isSeen)] ?? null;
    while (node && anchors.length < ANCHORS) {
      if (node.matches('.message')) {
        anchors.push({ node, top: node.getBoundingClientRect().top - drift });
      }
      block = node.nextElementSibling ? block : block!.nextElementSibling;
      node = node.nextElementSibling ?? block?.firstElementChild ?? null;
    }
    this.anchorsTop = scrollTop;
    this.anchorsOf = this.rows;
    return anchors;
  }

  private restore(): void {
    const box = this.box.current!;
    const anchor = this.anchors.find(({ node }) => node.isConnected);
    const movedBy = () => (anchor ? anchor.node.getBoundingClientRect().top - anchor.top : 0);
    const moved = movedBy();
    if (moved) {
      box.scrollTop += moved;
    }
    this.drift = moved && movedBy();
    this.driftTop = box.scrollTop;
    this.anchorsOf = undefined;
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
      this.isScrolled = false;
      this.look();
      this.anchors = this.state.isFollowing ? [] : this.findAnchors();
      this.leaveHidden();
      this.tellRead();
      this.loadMore();
    }
  };

  // Read is what a person can see: the page is shown and has the focus, and the end is in view.
  private tellRead(): void {
    const { model, room } = this.props;
    if (this.isPlaced && model.isAttentive && room.state === 'joined' && this.state.isFollowing && this.isAtEnd) {
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

  // The next page is on its way while the last few messages of one are put in.
  private loadMore(): void {
    const { room } = this.props;
    const { moreBefore, moreAfter } = room.window;
    const isBusy = this.isLoading || room.messages.length - this.shown.length > 2 * STEP_MESSAGES;
    if (!this.isPlaced || isBusy || !(moreBefore || moreAfter) || room.state !== 'joined') {
      return;
    }
    const { scrollTop, scrollHeight, clientHeight } = this.box.current!;
    if (moreBefore && scrollTop < LOAD_PX) {
      this.load(() => room.loadOlder(PAGE_MESSAGES));
    } else if (moreAfter && scrollHeight - scrollTop - clientHeight < LOAD_PX) {
      this.load(() => room.loadNewer(PAGE_MESSAGES));
    }
  }

  private readonly showNewest = async (): Promise<void> => {
    const { room, model } = this.props;
    if (room.window.moreAfter) {
      await model.attempt(() => room.loadNewest());
    }
    this.setState({ isFollowing: true }, () => {
      this.updateRows();
      this.toEnd();
    });
  };

  private showTarget(): void {
    const { model } = this.props;
    const { offset } = model.target!;
    if (this.isPartial) {
      return;
    }
    const key = this.rows.find((row) => row.kind === 'message' && row.item.offset === offset)?.key;
    model.target = undefined;
    const node = key && this.list.nodeOf(key);
    if (node) {
      this.target(key);
      this.setState({ isFollowing: false }, () => {
        node.scrollIntoView({ block: 'center' });
        node.focus({ preventScroll: true });
        this.look();
      });
      setTimeout(() => this.target(''), TARGET_MS);
    }
  }

  private target(key: string): void {
    this.targetKey = key;
    this.mark();
  }

  // ---- the active message, which shows its actions ----

  private activate(key: string): void {
    if (key !== this.activeKey && !this.isPicking) {
      this.activeKey = key;
      this.mark();
    }
  }

  // Not `mouseover`, which also comes when the list moves below a mouse that rests.
  private readonly onPoint = ({ target }: Event): void => {
    this.activate((target as Element).closest<HTMLElement>('.message')?.dataset.key ?? this.activeKey);
  };

  private readonly onLeave = (): void => {
    if (!this.place.current!.contains(document.activeElement)) {
      this.activate('');
    }
  };

  // A message that was pointed at, and is out of view, has no actions.
  private leaveHidden(): void {
    const node = this.activeKey && !this.isPicking && this.list.nodeOf(this.activeKey);
    if (node && !node.contains(document.activeElement)) {
      const [box, place] = [this.box.current!.getBoundingClientRect(), node.getBoundingClientRect()];
      if (place.bottom < box.top || place.top > box.bottom) {
        this.activate('');
      }
    }
  }

  private readonly onFocusOut = ({ relatedTarget }: FocusEvent): void => {
    if (!this.box.current!.contains(relatedTarget as Node | null) && !this.box.current!.matches(':hover')) {
      this.activate('');
    }
  };

  private readonly setPicking = (isPicking: boolean): void => {
    if (!isPicking) {
      // Before the picker goes with the focus.
      this.list.nodeOf(this.activeKey)?.focus({ preventScroll: true });
    }
    this.isPicking = isPicking;
    this.mark();
  };

  private activeItem(): Item | undefined {
    const row = this.list.rowOf(this.activeKey);
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

  private rowContext(): RowContext {
    const { model } = this.props;
    const { me, chat, language } = model;
    return { model, language, nick: me?.nick ?? '', me: me?.userId ?? '', isOnline: chat?.isOpen === true };
  }

  private newestSent(): string {
    for (let at = this.rows.length - 1; at >= 0; at -= 1) {
      const { kind, key } = this.rows[at]!;
      if (kind === 'message' && key.startsWith('own ')) {
        return key;
      }
    }
    return '';
  }

  private startKind(): 'more' | 'skeleton' | 'start' {
    const { room } = this.props;
    if (room.window.moreBefore || (this.isLoading && room.messages.length)) {
      return 'more';
    }
    return room.state === 'joining' && !room.messages.length && !room.place ? 'skeleton' : 'start';
  }

  private topOf(): string {
    const { model, room } = this.props;
    const isEmpty = !room.messages.length && !room.outgoing.length;
    return `${this.startKind()} ${isEmpty} ${model.viewOf(room.name).resetAt} ${room.topic}`;
  }

  private start() {
    const { model, room } = this.props;
    const { say } = model.language;
    const name = room.name || model.roomName;
    const kind = this.startKind();
    if (kind === 'more') {
      return <Spinner isBusy={this.isLoading}>{say('loading')}</Spinner>;
    }
    if (kind === 'skeleton') {
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
    const { resetAt } = model.viewOf(room.name);
    const isBehind = !isFollowing && (room.unread > 0 || room.window.moreAfter);
    return (
      <div class="conversation">
        <div id="log" class="log" role="log" tabIndex={0} aria-label={say('log')} ref={this.box} onScroll={this.onScroll}
          onKeyDown={this.onKeyDown} onMouseMove={this.onPoint} onFocusIn={this.onPoint} onMouseLeave={this.onLeave}
          onFocusOut={this.onFocusOut}>
          {this.start()}
          {resetAt && <div key="reset" class="note"><span>{say('reset', { time: clock(resetAt) })}</span></div>}
          <div key="list" id="list" class="list" ref={this.place} onClick={(event) => this.list.onClick(event)} />
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

// The shape of what comes.
const Skeleton = () => (
  <div class="skeleton" aria-hidden="true">
    {[60, 85, 40, 70].map((width) => (
      <div key={width}><span /><p data-width={width} /></div>
    ))}
  </div>
);
