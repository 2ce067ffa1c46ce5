// composer.tsx: the box that messages are written in. The text is the element's own, so that a key costs nothing, and is
// kept for each room.
import { type Item, TypingState } from '@stoa/client/chat';
import { Component, createRef } from 'preact';

import { perform } from './commands.js';
import { suggest, type Suggestions } from './complete.js';
import { replaceNames } from './emoji.js';
import { Icon, IconButton } from './icons.js';
import { type Language } from './language.js';
import { type Model, type View } from './model.js';
import { draftOf, storeDraft } from './stored.js';
import { charsOf } from './text.js';

const DRAFT_MS = 300;
const PAUSE_MS = 4000;
const COUNT_FROM_CHARS = 200;
const HEIGHT_MAX_PX = 240;
// Browsers that end the composition before its Enter mark the key so.
const KEY_OF_COMPOSITION = 229;

interface Props {
  model: Model;
  room: string;
  view: View;
  replyTo: Item | undefined;
  editing: Item | undefined;
  isOff: boolean;
  language: Language;
}

interface State {
  suggestions?: Suggestions;
  chosen: number;
  isEmpty: boolean;
  charsLeft?: number;
}

export class Composer extends Component<Props, State> {
  override state: State = { chosen: 0, isEmpty: true };
  private readonly box = createRef<HTMLTextAreaElement>();
  private draftTimer?: ReturnType<typeof setTimeout>;
  private pauseTimer?: ReturnType<typeof setTimeout>;
  private readonly onHide = (): void => this.keepDraft();

  // ---- life ----

  override componentDidMount(): void {
    const { model, room } = this.props;
    this.fill(draftOf(room));
    model.takeFocus = () => {
      // A keyboard on the screen appears when a person asks for it.
      if (!matchMedia('(pointer: coarse)').matches && !model.dialog) {
        this.box.current?.focus();
      }
    };
    model.insert = (text) => this.insert(text);
    addEventListener('pagehide', this.onHide);
    model.focusComposer();
  }

  override componentWillUnmount(): void {
    this.keepDraft();
    clearTimeout(this.pauseTimer);
    removeEventListener('pagehide', this.onHide);
  }

  override shouldComponentUpdate(next: Props, state: State): boolean {
    return state !== this.state || (Object.keys(next) as (keyof Props)[]).some((key) => next[key] !== this.props[key]);
  }

  override componentDidUpdate(before: Props): void {
    const { editing, room } = this.props;
    if (before.editing !== editing) {
      if (!before.editing) {
        clearTimeout(this.draftTimer);
        storeDraft(room, this.text);
      }
      this.fill(editing ? editing.message : draftOf(room));
    }
  }

  // ---- text ----

  private get text(): string {
    return this.box.current!.value;
  }

  private fill(text: string): void {
    const box = this.box.current!;
    box.value = text;
    box.selectionStart = text.length;
    this.show();
  }

  private insert(text: string): void {
    const box = this.box.current!;
    const gap = box.value && !/\s$/.test(box.value.slice(0, box.selectionStart)) ? ' ' : '';
    box.setRangeText(gap + text, box.selectionStart, box.selectionEnd, 'end');
    box.focus();
    this.changed();
  }

  private changed(): void {
    clearTimeout(this.draftTimer);
    this.draftTimer = setTimeout(this.onHide, DRAFT_MS);
    this.show();
  }

  private keepDraft(): void {
    clearTimeout(this.draftTimer);
    if (!this.props.editing && this.box.current) {
      storeDraft(this.props.room, this.text);
    }
  }

  // What follows from the text: the height, what is suggested, how much room is left.
  private show(): void {
    const box = this.box.current!;
    const { model } = this.props;
    if (!CSS.supports('field-sizing', 'content')) {
      box.style.height = 'auto';
      box.style.height = `${Math.min(box.scrollHeight, HEIGHT_MAX_PX)}px`;
    }
    const { value } = box;
    const isNear = value.length > model.charsMax - COUNT_FROM_CHARS;
    const left = isNear ? model.charsMax - charsOf(value) : undefined;
    const charsLeft = left !== undefined && left <= COUNT_FROM_CHARS ? left : undefined;
    const isFocused = document.activeElement === box && box.selectionStart === box.selectionEnd;
    const suggestions = isFocused ? suggest(model, value, box.selectionStart) : undefined;
    const isEmpty = value.trim() === '';
    const { state } = this;
    if (suggestions || state.suggestions || isEmpty !== state.isEmpty || charsLeft !== state.charsLeft) {
      this.setState({ suggestions, chosen: 0, isEmpty, charsLeft });
    }
  }

  // ---- typing, as others see it ----

  private tellTyping(): void {
    const { model, editing } = this.props;
    clearTimeout(this.pauseTimer);
    if (editing || this.text.startsWith('/')) {
      return;
    }
    model.room?.type(this.text.trim() ? TypingState.TYPING_ACTIVE : TypingState.TYPING_DONE);
    if (this.text.trim()) {
      this.pauseTimer = setTimeout(() => model.room?.type(TypingState.TYPING_PAUSED), PAUSE_MS);
    }
  }

  // ---- events ----

  private readonly onInput = (): void => {
    this.changed();
    this.tellTyping();
  };

  private readonly submit = async (event?: Event): Promise<void> => {
    event?.preventDefault();
    const { model, editing } = this.props;
    const written = replaceNames(this.text).replace(/^\s*\n|\s+$/g, '');
    if (!written.trim()) {
      return;
    }
    clearTimeout(this.pauseTimer);
    if (editing) {
      if (model.mayBeSent(written) && (await model.edit(editing, written))) {
        model.startEdit(undefined);
      }
      return;
    }
    const before = this.text;
    // Before an answer the box is free for the next text.
    this.fill('');
    this.keepDraft();
    if (!(await perform(model, written)) && this.box.current && this.text === '') {
      this.fill(before);
      this.keepDraft();
    }
  };

  private accept(at: number): void {
    const { suggestions } = this.state;
    const box = this.box.current!;
    if (suggestions) {
      box.setRangeText(suggestions.all[at]!.text, suggestions.start, box.selectionStart, 'end');
      box.focus();
      this.changed();
    }
  }

  // Returns whether the key was for the suggestions.
  private onSuggestionKey({ key, shiftKey }: KeyboardEvent): boolean {
    const { suggestions, chosen } = this.state;
    if (!suggestions) {
      return false;
    }
    const { all, start } = suggestions;
    const isComplete = this.text.slice(start, this.box.current!.selectionStart) === all[chosen]!.text.trim();
    if (key === 'ArrowDown' || key === 'ArrowUp') {
      this.setState({ chosen: (chosen + (key === 'ArrowDown' ? 1 : -1) + all.length) % all.length });
    } else if (key === 'Tab' || (key === 'Enter' && !shiftKey && !isComplete)) {
      this.accept(chosen);
    } else if (key === 'Escape') {
      this.setState({ suggestions: undefined });
    } else {
      return false;
    }
    return true;
  }

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    const { model, view } = this.props;
    if (event.isComposing || event.keyCode === KEY_OF_COMPOSITION || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (this.onSuggestionKey(event)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      this.submit();
    } else if (event.key === 'ArrowUp' && this.text === '' && !view.editing) {
      event.preventDefault();
      model.editLast();
    } else if (event.key === 'Escape' && (view.editing || view.replyTo)) {
      event.preventDefault();
      event.stopPropagation();
      model.startEdit(undefined);
    }
  };

  // ---- view ----

  private about() {
    const { model, replyTo, editing } = this.props;
    const { say } = model.language;
    if (!replyTo && !editing) {
      return null;
    }
    return (
      <p class="about-bar">
        <Icon name={editing ? 'edit' : 'reply'} />
        <span class="about-text">
          {editing ? say('editing') : say('replyingTo', { name: replyTo!.sender })}
          {replyTo && <span class="about-quote" dir="auto">{replyTo.message.slice(0, 120)}</span>}
        </span>
        <IconButton icon="close" label={say('cancel')} onClick={() => model.startEdit(undefined)} />
      </p>
    );
  }

  private list() {
    const { suggestions, chosen } = this.state;
    return suggestions && (
      <ul id="suggestions" class="suggestions" role="listbox" aria-label={this.props.model.language.say('suggestions')}>
        {suggestions.all.map(({ label, about }, at) => (
          <li key={label} id={`suggestion-${at}`} role="option" aria-selected={at === chosen}
            onMouseDown={(event) => event.preventDefault()} onClick={() => this.accept(at)}>
            <bdi>{label}</bdi> {about && <span class="quiet">{about}</span>}
          </li>
        ))}
      </ul>
    );
  }

  override render({ model, room, editing, isOff }: Props, { suggestions, chosen, isEmpty, charsLeft }: State) {
    const { say } = model.language;
    return (
      <form id="composer" class="composer" onSubmit={this.submit}>
        {this.list()}
        {this.about()}
        <div class="composer-row">
          <textarea ref={this.box} rows={1} dir="auto" enterkeyhint="send" autocomplete="off" disabled={isOff}
            placeholder={isOff ? say('mayNotSend') : say('placeholder', { room })} aria-label={say('composer')}
            aria-autocomplete="list" aria-controls={suggestions ? 'suggestions' : undefined}
            aria-activedescendant={suggestions ? `suggestion-${chosen}` : undefined}
            onInput={this.onInput} onKeyDown={this.onKeyDown} onClick={() => this.show()}
            onBlur={() => this.setState({ suggestions: undefined })} />
          {charsLeft !== undefined && (
            <span class={`chars-left ${charsLeft < 0 ? 'over' : ''}`} title={say('charsLeft', { n: charsLeft })}>{charsLeft}</span>
          )}
          <button class="send" type="submit" aria-label={say(editing ? 'save' : 'send')} title={say(editing ? 'save' : 'send')}
            disabled={isEmpty || isOff}>
            <Icon name={editing ? 'check' : 'send'} />
          </button>
        </div>
      </form>
    );
  }
}
