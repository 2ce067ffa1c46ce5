// tracing.ts: spans of Chat messages, from the call of who sends one to its arrival at the others, for an OpenTelemetry
// collector (OTLP over HTTP with JSON).
//
// A Tracer stands between a client and its protocol, so a program that does not import it has nothing of it. What it
// sends begins a trace with a span "chat send", which ends when the server has stored the message; what it receives with
// a traceparent becomes a span "chat receive" of the server's span. Everything is bounded, and nothing here ever makes a
// message fail.
//
// Does not know: connections, rooms.
import { decodeJson, encodeJson, ErrorDetail, type Protocol } from '@stoa/client';

export interface TracerOptions {
  /** service.name for the collector. */
  serviceName: string;
  /** Where spans are sent: "https://example.org/v1/traces". The collector must allow the page's origin, and the page's
   *  Content-Security-Policy must allow the collector (connect-src). */
  endpoint?: string;
  /** Instead of an endpoint: gets the spans as they are in OTLP's JSON. */
  onSpans?: (spans: Span[]) => void;
  /** One of so many messages begins a trace. Default: 1, all. */
  sample?: number;
  /** The most spans that run or wait; further ones are not recorded. Default: 256. */
  spansMax?: number;
  /** How long spans are collected before they are sent, in milliseconds. Default: 1000. */
  delayMs?: number;
}

export interface Attribute {
  key: string;
  value: { stringValue: string } | { intValue: string };
}

/** A span of OTLP. */
export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  /** 3: client, 5: consumer. */
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  flags: number;
  attributes: Attribute[];
  status?: { code: number; message: string };
}

/** What a tracer needs of a Room. */
export interface Watched {
  on(name: 'outgoing', listener: (message: { clientMsgId: string; state: string; error?: { reason: string } }) => void): () => void;
}

const TRACEPARENT = /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/;
const ZEROS = /^0+$/;
const BUSY = [429, 502, 503, 504];
const RETRY_MS_MAX = 30000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const json: Protocol = {
  name: 'stoa.json',
  encode: (type, message) => encoder.encode(JSON.stringify(encodeJson(type, message))),
  decode: (type = ErrorDetail, payload) => decodeJson(type, JSON.parse(decoder.decode(payload) || '{}')),
};

const hex = (bytes: number): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, '0')).join('');
const nowNs = (): string => `${BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n}`;
const text = (key: string, stringValue: string): Attribute => ({ key, value: { stringValue } });

/** The ids of a valid traceparent whose trace is recorded. */
function parse(traceparent: unknown): [traceId: string, spanId: string] | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(String(traceparent)) ?? [];
  return traceId && !ZEROS.test(traceId) && !ZEROS.test(spanId) && parseInt(flags, 16) & 1 ? [traceId, spanId] : undefined;
}

export class Tracer {
  /** Spans that were not recorded or could not be sent. */
  lost = 0;
  private readonly options: Required<Pick<TracerOptions, 'sample' | 'spansMax' | 'delayMs'>> & TracerOptions;
  /** By client_msg_id. */
  private readonly running = new Map<string, Span>();
  private ended: Span[] = [];
  private timer: any;
  private attempt = 0;
  private readonly onHide = (): void => {
    if (document.visibilityState === 'hidden') {
      void this.flush();
    }
  };

  constructor(options: TracerOptions) {
    this.options = { sample: 1, spansMax: 256, delayMs: 1000, ...options };
    globalThis.document?.addEventListener('visibilitychange', this.onHide);
  }

  /** For a client's or a chat's option `protocol`. Default: JSON. */
  protocol(inner: Protocol = json): Protocol {
    return {
      name: inner.name,
      encode: (type, message) => inner.encode(type, this.sending(message)),
      decode: (type, payload) => {
        const message = inner.decode(type, payload);
        this.received(message);
        return message;
      },
    };
  }

  /** End the spans of a room's messages that fail. Returns a function that ends the watch. */
  watch(room: Watched): () => void {
    return room.on('outgoing', ({ clientMsgId, state, error }) => {
      if (state === 'failed' || state === 'discarded') {
        this.end(clientMsgId, error?.reason ?? 'DISCARDED');
      }
    });
  }

  /** Send what has ended. Resolves when it was sent, or could not be. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const spans = this.ended.splice(0);
    if (spans.length) {
      this.options.onSpans?.(spans);
      if (this.options.endpoint && !(await this.post(spans))) {
        this.putBack(spans);
      }
    }
  }

  /** Messages on their way are not waited for. */
  async close(): Promise<void> {
    globalThis.document?.removeEventListener('visibilitychange', this.onHide);
    [...this.running.keys()].forEach((id) => this.end(id, 'CLOSED'));
    await this.flush();
    clearTimeout(this.timer);
  }

  /** Chat is the only message with a text of its own; one that is sent again keeps its trace. */
  private sending(message: any): any {
    if (typeof message?.message !== 'string' || message.traceparent) {
      return message;
    }
    const { clientMsgId = '', room = '' } = message;
    const span = this.running.get(clientMsgId) ?? this.begin('chat send', 3, [hex(16)], room);
    if (!span) {
      return message;
    }
    if (clientMsgId) {
      this.running.set(clientMsgId, span);
    } else {
      this.put(span);
    }
    return { ...message, traceparent: `00-${span.traceId}-${span.spanId}-01` };
  }

  private received(message: any): void {
    if (typeof message?.clientMsgId !== 'string' || typeof message.message !== 'string') {
      return;
    }
    const isOwn = this.running.has(message.clientMsgId);
    const parent = parse(message.traceparent);
    this.end(message.clientMsgId);
    const span = !isOwn && parent && this.begin('chat receive', 5, parent, message.room);
    if (span) {
      span.attributes.push({ key: 'stoa.room.offset', value: { intValue: `${message.offset}` } });
      // After the program's listeners, which are called at once.
      void Promise.resolve().then(() => this.put(span));
    }
  }

  private begin(name: string, kind: number, [traceId, parentSpanId]: string[], room: string): Span | undefined {
    const { sample, spansMax } = this.options;
    if (!parentSpanId && Math.random() * sample >= 1) {
      return undefined;
    }
    if (this.running.size + this.ended.length >= spansMax) {
      this.lost += 1;
      return undefined;
    }
    return {
      traceId, spanId: hex(8), ...(parentSpanId && { parentSpanId }), name, kind, flags: 1,
      startTimeUnixNano: nowNs(), endTimeUnixNano: '0',
      attributes: [text('messaging.system', 'stoa'), text('messaging.destination.name', room)],
    };
  }

  /** Its own push has come: it is stored. Or it failed. */
  private end(clientMsgId: string, reason?: string): void {
    const span = this.running.get(clientMsgId);
    if (span) {
      this.running.delete(clientMsgId);
      if (reason) {
        span.attributes.push(text('error.type', reason));
        span.status = { code: 2, message: reason };
      }
      this.put(span);
    }
  }

  private put(span: Span): void {
    span.endTimeUnixNano = nowNs();
    this.ended.push(span);
    this.later(this.options.delayMs);
  }

  private later(ms: number): void {
    this.timer ??= setTimeout(() => void this.flush(), ms);
  }

  /** Is it over with them? */
  private async post(spans: Span[]): Promise<boolean> {
    const scope = { name: '@stoa/client' };
    const resource = { attributes: [text('service.name', this.options.serviceName), text('telemetry.sdk.language', 'webjs')] };
    try {
      const answer = await fetch(this.options.endpoint!, {
        method: 'POST', keepalive: true, headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope, spans }] }] }),
      });
      if (BUSY.includes(answer.status)) {
        return false;
      }
      this.lost += answer.ok ? 0 : spans.length;
      this.attempt = 0;
      return true;
    } catch {
      return false;
    }
  }

  private putBack(spans: Span[]): void {
    const all = [...spans, ...this.ended];
    this.ended = all.slice(-this.options.spansMax);
    this.lost += all.length - this.ended.length;
    this.attempt += 1;
    this.later(Math.min(RETRY_MS_MAX, this.options.delayMs * 2 ** this.attempt));
  }
}
