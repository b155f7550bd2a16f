/** Parses the bytes of an event stream. Does no I/O; chunks may be cut anywhere. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

export class SseParser {
  private readonly decoder = new TextDecoder();
  private rest = '';
  private event = '';
  private data: string[] = [];

  feed(bytes: Uint8Array): ServerEvent[] {
    const text = this.rest + this.decoder.decode(bytes, { stream: true });
    const events: ServerEvent[] = [];
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      this.take(text.slice(from, text[end - 1] === '\r' ? end - 1 : end), events);
      from = end + 1;
    }
    this.rest = text.slice(from);
    return events;
  }

  private take(line: string, events: ServerEvent[]): void {
    if (line === '') {
      if (this.data.length) events.push({ event: this.event || 'message', data: this.data.join('\n') });
      this.event = '';
      this.data = [];
    } else if (line.startsWith('data:')) this.data.push(line.slice(line[5] === ' ' ? 6 : 5));
    else if (line.startsWith('event:')) this.event = line.slice(6).trim();
  }
}
