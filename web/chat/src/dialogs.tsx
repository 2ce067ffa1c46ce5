// dialogs.tsx: what asks or tells something in front of the page.
import { ModerateAction } from '@stoa/client/chat';
import { type ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { COMMANDS } from './commands.js';
import { IconButton } from './icons.js';
import { type Model, type Theme } from './model.js';
import { hasSound, type Notify, notifySetting, playSound, setNotify, setSound } from './notify.js';
import { Avatar } from './parts.js';
import { badge } from './sides.js';
import { stored } from './stored.js';
import { LANGUAGE_NAMES, type Key } from './words.js';

interface FrameProps {
  id: string;
  title: string;
  model: Model;
  isRequired?: boolean;
  children: ComponentChildren;
}

function Frame({ id, title, model, isRequired = false, children }: FrameProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const node = dialog.current!;
    node.showModal();
    node.querySelector<HTMLElement>('[data-first]')?.focus();
    return () => node.close();
  }, []);
  // Browsers close a dialog at the second Escape, whatever its event says.
  const onClose = () => (isRequired ? dialog.current?.isConnected && dialog.current.showModal() : model.closeDialog());
  return (
    <dialog id={id} class="dialog" ref={dialog} aria-labelledby={`${id}-title`}
      onCancel={(event) => isRequired && event.preventDefault()}
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && !isRequired && model.closeDialog()}>
      <div class="dialog-body">
        <div class="dialog-head">
          <h2 id={`${id}-title`}>{title}</h2>
          {!isRequired && <IconButton icon="close" label={model.language.say('close')} onClick={() => model.closeDialog()} />}
        </div>
        {children}
      </div>
    </dialog>
  );
}

function Nick({ model, isRequired, error: first = '' }: { model: Model; isRequired: boolean; error?: string }) {
  const { say } = model.language;
  const [error, setError] = useState(first);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => setError(first), [first]);
  useEffect(() => input.current?.select(), []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const wrong = await model.chooseNick(input.current!.value.trim());
    if (wrong) {
      setError(wrong);
      input.current?.focus();
    }
  };
  return (
    <Frame id="name-dialog" title={say(isRequired ? 'welcome' : 'rename')} model={model} isRequired={isRequired}>
      <form noValidate onSubmit={submit}>
        <p id="name-about" class="quiet">{say('askName')}</p>
        <input ref={input} data-first type="text" dir="auto" maxLength={64} autocomplete="nickname" spellcheck={false}
          defaultValue={model.me?.nick ?? stored('nick')} aria-label={say('name')} aria-describedby="name-about name-error"
          aria-invalid={error !== ''} onInput={() => setError('')} />
        <p id="name-error" class="error" role="alert">{error}</p>
        <div class="dialog-row">
          {!isRequired && (
            <button type="button" class="quiet-button" onClick={() => model.closeDialog()}>{say('cancel')}</button>
          )}
          <button type="submit" class="main-button">{say(isRequired ? 'join' : 'save')}</button>
        </div>
      </form>
    </Frame>
  );
}

const FOUND_MAX = 50;

function Switch({ model }: { model: Model }) {
  const { say } = model.language;
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const wanted = text.trim().replace(/^#/, '');
  const names = model.roomNames().filter((name) => name.toLowerCase().includes(wanted.toLowerCase()));
  const isNew = wanted !== '' && !names.includes(wanted);
  const all = [...names.slice(0, FOUND_MAX), ...(isNew ? [wanted] : [])];
  const choose = (name: string | undefined) => {
    if (name !== undefined) {
      model.closeDialog();
      model.open(name);
    }
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && all.length) {
      event.preventDefault();
      setChosen((chosen + step + all.length) % all.length);
    } else if (event.key === 'Enter' && !event.isComposing) {
      event.preventDefault();
      choose(all[chosen]);
    }
  };
  return (
    <Frame id="switch-dialog" title={say('openRoom')} model={model}>
      <input data-first type="text" dir="auto" role="combobox" aria-expanded="true" aria-controls="switch-list" value={text}
        aria-activedescendant={all.length ? `switch-${chosen}` : undefined} aria-label={say('findRoom')} maxLength={63}
        placeholder={say('findRoom')} onKeyDown={onKeyDown} onInput={(event) => {
          setText(event.currentTarget.value);
          setChosen(0);
        }} />
      <ul id="switch-list" class="choices" role="listbox" aria-label={say('rooms')}>
        {all.map((name, at) => (
          <li key={name} id={`switch-${at}`} role="option" aria-selected={at === chosen} onClick={() => choose(name)}
            ref={(node) => { at === chosen && node?.scrollIntoView({ block: 'nearest' }); }}>
            {isNew && at === all.length - 1 ? say('openNamed', { room: name }) : <><span class="hash">#</span> <bdi>{name}</bdi></>}
            {model.unreadOf(name) > 0 && <span class="badge">{badge(model.unreadOf(name))}</span>}
          </li>
        ))}
      </ul>
      {isNew && !names.length && <p class="quiet">{say('noRoomFound')}</p>}
    </Frame>
  );
}

const KEYS: [keys: string[], about: Key][] = [
  [['Enter'], 'keySend'],
  [['Shift', 'Enter'], 'keyLine'],
  [['↑'], 'keyEdit'],
  [['Esc'], 'keyCancel'],
  [['Ctrl', 'K'], 'keySwitch'],
  [['Ctrl', 'F'], 'keySearch'],
  [['Alt', '↑ ↓'], 'keyRooms'],
  [['↑ ↓'], 'keyWalk'],
  [['?'], 'keyHelp'],
];

function Keys({ model }: { model: Model }) {
  const { say } = model.language;
  return (
    <Frame id="keys-dialog" title={say('keys')} model={model}>
      <dl class="keys">
        {KEYS.map(([keys, about]) => (
          <div key={about}>
            <dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt>
            <dd>{say(about)}</dd>
          </div>
        ))}
      </dl>
      <h3>{say('commands')}</h3>
      <dl class="keys">
        {COMMANDS.filter(({ isForModerators }) => !isForModerators || model.mayModerate).map(({ name, argument, about }) => (
          <div key={name}>
            <dt><code>/{name}{argument && ` ${say(argument)}`}</code></dt>
            <dd>{say(about)}</dd>
          </div>
        ))}
      </dl>
    </Frame>
  );
}

function Choice<T extends string>({ label, value, options, choose }: {
  label: string; value: T; options: [value: T, label: string][]; choose(value: T): void;
}) {
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      <div class="choice-row">
        {options.map(([one, text]) => (
          <label key={one}>
            <input type="radio" name={label} checked={one === value} onChange={() => choose(one)} />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Settings({ model }: { model: Model }) {
  const { say } = model.language;
  const [notify, setShown] = useState(notifySetting());
  const [sound, setSoundShown] = useState(hasSound());
  const chooseNotify = async (wanted: Notify) => {
    if (!(await setNotify(wanted))) {
      model.toast(say('notifyDenied'));
    }
    setShown(notifySetting());
  };
  return (
    <Frame id="settings-dialog" title={say('settings')} model={model}>
      <Choice<Theme> label={say('theme')} value={model.theme} choose={(theme) => model.setTheme(theme)}
        options={[['auto', say('auto')], ['light', say('light')], ['dark', say('dark')]]} />
      <Choice label={say('language')} value={stored('language')} choose={(code) => model.setLanguage(code)}
        options={[['', say('auto')], ...LANGUAGE_NAMES]} />
      <Choice<Notify> label={say('notify')} value={notify} choose={chooseNotify}
        options={[['off', say('notifyOff')], ['mentions', say('notifyMentions')], ['all', say('notifyAll')]]} />
      <label class="check">
        <input type="checkbox" checked={sound} onChange={({ currentTarget: { checked } }) => {
          setSound(checked);
          setSoundShown(checked);
          if (checked) {
            playSound();
          }
        }} />
        {say('sound')}
      </label>
      <div class="dialog-row">
        <button type="button" class="quiet-button" onClick={() => model.ask({ kind: 'keys' })}>{say('keys')}</button>
        <button type="button" class="main-button" data-first onClick={() => model.closeDialog()}>{say('close')}</button>
      </div>
    </Frame>
  );
}

function Delete({ model }: { model: Model }) {
  const { say } = model.language;
  const { dialog } = model;
  const item = dialog?.kind === 'delete' ? dialog.item : undefined;
  return (
    <Frame id="delete-dialog" title={say('removeAsk')} model={model}>
      <p class="quiet">{say('removeHint')}</p>
      <blockquote class="preview" dir="auto">{item?.message.slice(0, 300)}</blockquote>
      <div class="dialog-row">
        <button type="button" class="quiet-button" onClick={() => model.closeDialog()}>{say('cancel')}</button>
        <button type="button" class="danger-button" data-first onClick={() => {
          model.closeDialog();
          model.delete(item!);
        }}>{say('remove')}</button>
      </div>
    </Frame>
  );
}

const MUTE_S = 600;
const BAN_S = 86400;

function Person({ model, userId, nick }: { model: Model; userId: string; nick: string }) {
  const { say } = model.language;
  const isMe = userId === model.me?.userId;
  const act = (action: ModerateAction, seconds = 0) => () => {
    model.closeDialog();
    model.moderate(userId, action, seconds);
  };
  return (
    <Frame id="person-dialog" title={nick} model={model}>
      <p class="person"><Avatar id={userId} name={nick} /><code class="quiet">{userId}</code></p>
      <div class="dialog-row start-row">
        {isMe ? (
          <button type="button" class="main-button" data-first onClick={() => model.ask({ kind: 'nick', isRequired: false })}>
            {say('rename')}
          </button>
        ) : (
          <button type="button" class="main-button" data-first onClick={() => {
            model.closeDialog();
            model.insert(`@${nick} `);
          }}>{say('mention')}</button>
        )}
        {!isMe && model.mayModerate && userId && (
          <>
            <button type="button" class="quiet-button" onClick={act(ModerateAction.MODERATE_MUTE, MUTE_S)}>{say('mute')}</button>
            <button type="button" class="quiet-button" onClick={act(ModerateAction.MODERATE_UNMUTE)}>{say('unmute')}</button>
            <button type="button" class="quiet-button" onClick={act(ModerateAction.MODERATE_KICK)}>{say('kick')}</button>
            <button type="button" class="danger-button" onClick={act(ModerateAction.MODERATE_BAN, BAN_S)}>{say('ban')}</button>
          </>
        )}
      </div>
    </Frame>
  );
}

export function Dialogs({ model }: { model: Model }) {
  const { dialog } = model;
  switch (dialog?.kind) {
    case undefined:
      return null;
    case 'nick':
      return <Nick model={model} isRequired={dialog.isRequired} error={dialog.error} />;
    case 'switch':
      return <Switch model={model} />;
    case 'keys':
      return <Keys model={model} />;
    case 'settings':
      return <Settings model={model} />;
    case 'delete':
      return <Delete model={model} />;
    case 'person':
      return <Person model={model} userId={dialog.userId} nick={dialog.nick} />;
  }
}
