// message.tsx: what is drawn as views in a message: its reactions, and what may be done with it.
import { type Item } from '@stoa/client/chat';
import { render } from 'preact';
import { useMemo } from 'preact/hooks';

import { EMOJI, QUICK } from './emoji.js';
import { IconButton } from './icons.js';
import { type Model } from './model.js';

function Reactions({ item, model }: { item: Item; model: Model }) {
  return (
    <>
      {[...item.reactions].map(([emoji, { count, mine }]) => {
        const who = model.reactedBy(item, emoji);
        return (
          <button type="button" key={emoji} class="reaction" aria-pressed={mine} title={who} aria-label={who}
            onClick={() => model.react(item, emoji)}>
            <span aria-hidden="true">{emoji}</span> <span class="count" aria-hidden="true">{count}</span>
          </button>
        );
      })}
    </>
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

function Actions({ model, item, isPicking, setPicking }: {
  model: Model; item: Item; isPicking: boolean; setPicking(isOn: boolean): void;
}) {
  const { say } = model.language;
  const choose = (emoji: string) => {
    setPicking(false);
    model.react(item, emoji);
  };
  // As it was written.
  const copy = async () => {
    if (await model.copy(item.message)) {
      model.toast(say('copied'), { isError: false });
    }
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
      <IconButton icon="copy" label={say('copyText')} class="copy-text" onClick={copy} />
      {model.isMine(item) && <IconButton icon="edit" label={say('edit')} class="edit" onClick={() => model.startEdit(item)} />}
      {model.mayDelete(item) && (
        <IconButton icon="trash" label={say('remove')} class="delete" onClick={() => model.ask({ kind: 'delete', item })} />
      )}
      {isPicking && <Picker choose={choose} close={() => setPicking(false)} />}
    </div>
  );
}

/** Show the actions of a message in a place of its own in the page, or show them again. */
export const showActions = (
  place: HTMLElement, model: Model, item: Item, isPicking: boolean, setPicking: (isOn: boolean) => void,
): void => render(<Actions model={model} item={item} isPicking={isPicking} setPicking={setPicking} />, place);

export const hideActions = (place: HTMLElement): void => render(null, place);

export const showReactions = (place: HTMLElement, item: Item, model: Model): void =>
  render(<Reactions item={item} model={model} />, place);

export const hideReactions = (place: HTMLElement): void => render(null, place);
