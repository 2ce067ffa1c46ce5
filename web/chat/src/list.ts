// list.ts: the rows of the list of messages in the page, in their blocks. What has not changed is not touched.
//
// Does not know: what is scrolled, and which messages there are.
import { hideActions, showActions } from './message.js';
import { make } from './dom.js';
import { copyCode, makeLine, type MessageRow, MessageView, type RowContext } from './row.js';
import { type Block, type Row } from './rows.js';
import { isSame } from './text.js';

interface RowView {
  row: Row;
  node: HTMLElement;
  message?: MessageView;
}

interface BlockView {
  block: Block;
  node: HTMLElement;
}

/** Which messages are more than others, by their keys; '' is none. */
export interface Marked {
  active: string;
  target: string;
  newestSent: string;
  isPicking: boolean;
  /** What may be done with the active message is shown. */
  mayChange: boolean;
}

export interface ListActions {
  setPicking(isOn: boolean): void;
  loadMissing(): void;
}

const isMessage = (row: Row): row is MessageRow => row.kind === 'message' || row.kind === 'outgoing';
const isSameContext = (one: RowContext | undefined, other: RowContext): boolean =>
  one !== undefined && (Object.keys(other) as (keyof RowContext)[]).every((key) => one[key] === other[key]);

export class List {
  private readonly blocks = new Map<number, BlockView>();
  private readonly rows = new Map<string, RowView>();
  private order: readonly Block[] = [];
  private context?: RowContext;
  private marked: Marked = { active: '', target: '', newestSent: '', isPicking: false, mayChange: false };
  /** Where the actions are shown, of which message, and what they depend on. */
  private actions?: { place: HTMLElement; key: string; facts: readonly unknown[] };
  /** The block that has them. */
  private raised: Element | null = null;

  constructor(private readonly root: HTMLElement, private readonly does: ListActions) {}

  /** Would update() change anything? */
  isShown(blocks: readonly Block[], context: RowContext): boolean {
    return blocks.length === this.order.length && blocks.every((block, at) => block === this.order[at])
      && isSameContext(this.context, context);
  }

  /** To be followed by mark(). */
  update(blocks: readonly Block[], context: RowContext): void {
    const isAll = !isSameContext(this.context, context);
    this.context = context;
    this.order = blocks;
    const changed = blocks.filter((block) => isAll || this.blocks.get(block.key)?.block !== block);
    this.takeOut(blocks, changed);
    let next = this.root.firstChild;
    for (const { key } of blocks) {
      const { node } = this.blocks.get(key) ?? this.addBlock(key);
      if (node === next) {
        next = next.nextSibling;
      } else {
        this.root.insertBefore(node, next);
      }
    }
    changed.forEach((block) => this.fill(block, isAll));
  }

  private addBlock(key: number): BlockView {
    const view = { block: { key, rows: [] }, node: make('div', { class: 'block' }) };
    this.blocks.set(key, view);
    return view;
  }

  // A row that goes to another block keeps its element.
  private takeOut(blocks: readonly Block[], changed: readonly Block[]): void {
    const gone = new Set<string>();
    const keys = new Set(blocks.map(({ key }) => key));
    for (const [key, view] of this.blocks) {
      if (!keys.has(key)) {
        view.node.remove();
        this.blocks.delete(key);
        view.block.rows.forEach((row) => gone.add(row.key));
      }
    }
    changed.forEach(({ key }) => this.blocks.get(key)?.block.rows.forEach((row) => gone.add(row.key)));
    changed.forEach(({ rows }) => rows.forEach((row) => gone.delete(row.key)));
    for (const key of gone) {
      const { node, message } = this.rows.get(key)!;
      if (this.actions?.key === key) {
        this.closeActions();
      }
      if (message) {
        message.remove();
      } else {
        node.remove();
      }
      this.rows.delete(key);
    }
  }

  private fill(block: Block, isAll: boolean): void {
    const view = this.blocks.get(block.key)!;
    view.block = block;
    let next = view.node.firstChild;
    for (const row of block.rows) {
      const { node } = this.draw(row, isAll);
      if (node === next) {
        next = next.nextSibling;
      } else {
        view.node.insertBefore(node, next);
      }
    }
  }

  private draw(row: Row, isAll: boolean): RowView {
    const known = this.rows.get(row.key);
    if (known) {
      if (isMessage(row) && (isAll || row !== known.row)) {
        known.message!.show(row, this.context!);
      }
      known.row = row;
      return known;
    }
    const message = isMessage(row) ? new MessageView(row, this.context!) : undefined;
    const node = message?.node ?? makeLine(row as Exclude<Row, MessageRow>, this.context!.language);
    const view = { row, node, message };
    this.rows.set(row.key, view);
    return view;
  }

  // ---- some that are more than others ----

  mark(marked: Marked): void {
    const { active, target, newestSent } = marked;
    const { active: a, target: t, newestSent: n } = this.marked;
    this.marked = marked;
    for (const key of new Set([active, target, newestSent, a, t, n])) {
      this.rows.get(key)?.message?.mark(key === active, key === target, key === newestSent);
    }
    this.drawActions();
  }

  private drawActions(): void {
    const { active, isPicking, mayChange } = this.marked;
    const view = this.rows.get(active);
    const item = view?.row.kind === 'message' && !view.row.item.deleted && mayChange ? view.row.item : undefined;
    if (this.actions && (!item || this.actions.key !== active)) {
      this.closeActions();
    }
    // They stand over the edge of their block.
    this.raise(item ? view!.node.parentElement : null);
    if (item) {
      const { model } = this.context!;
      const facts = [item, isPicking, model.mayDelete(item)];
      if (!this.actions) {
        this.actions = { place: make('div', { class: 'actions-place' }), key: active, facts: [] };
        view!.message!.placeActions(this.actions.place);
      }
      if (!isSame(facts, this.actions.facts)) {
        this.actions.facts = facts;
        showActions(this.actions.place, model, item, isPicking, this.does.setPicking);
      }
    }
  }

  private closeActions(): void {
    const { place } = this.actions!;
    this.actions = undefined;
    hideActions(place);
    place.remove();
  }

  private raise(block: Element | null): void {
    if (block !== this.raised) {
      this.raised?.classList.remove('raised');
      block?.classList.add('raised');
      this.raised = block;
    }
  }

  // ---- what is where ----

  nodeOf(key: string): HTMLElement | undefined {
    return this.rows.get(key)?.node;
  }

  rowOf(key: string): Row | undefined {
    return this.rows.get(key)?.row;
  }

  // ---- clicks ----

  readonly onClick = (event: Event): void => {
    const button = (event.target as Element).closest('button');
    const message = this.rows.get(button?.closest<HTMLElement>('.message')?.dataset.key ?? '')?.message;
    const is = (name: string) => button!.classList.contains(name);
    if (!button) {
      return;
    }
    if (is('load-missing')) {
      this.does.loadMissing();
    } else if (is('copy-code')) {
      copyCode(button, this.context!.model);
    } else if (message) {
      this.onMessageClick(message, is);
    }
  };

  private onMessageClick(message: MessageView, is: (name: string) => boolean): void {
    const { row } = message;
    const { model, me, nick } = this.context!;
    const isStored = row.kind === 'message';
    if (is('show-all')) {
      message.toggleOpen();
    } else if (is('sender')) {
      const { userId, sender } = isStored ? row.item : { userId: me, sender: nick };
      model.ask({ kind: 'person', userId, nick: sender || '…' });
    } else if (is('quoted')) {
      model.show(isStored ? row.item.replyTo : row.message.replyTo);
    } else if (!isStored && is('retry')) {
      row.message.retry();
    } else if (!isStored && is('discard')) {
      row.message.discard();
    }
  }

  /** Ends the views that are in the rows. */
  close(): void {
    if (this.actions) {
      this.closeActions();
    }
    this.rows.forEach(({ message }) => message?.remove());
  }
}
