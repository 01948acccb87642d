// Server-Sent Events over fetch: with headers and POST, and one connection for all tabs.
//
//   const events = new EventStream("/events", { headers: { authorization: "Bearer x" }, share: true });
//   events.addEventListener("update", (e) => show(JSON.parse(e.data)));
//
// Options: those of fetch(), share (true, or a name), reconnect (true for GET), maxRetry (ms), lastEventId.
// Beside the server's events: "open", "error" (it tries again), "close" (for good); `error` tells why.

const CONNECTING = 0, OPEN = 1, CLOSED = 2;

export class EventStream extends EventTarget {
  readyState = CONNECTING;
  lastEventId = "";
  retry = 1000; // ms, until the server says otherwise
  #stop = new AbortController();
  #channel;
  #leads;

  constructor(url, { share, reconnect, maxRetry = 30000, lastEventId = "", ...init } = {}) {
    super();
    this.url = new URL(url, location).href;
    this.lastEventId = lastEventId;
    reconnect ??= /^get$/i.test(init.method ?? "get");
    const run = () => this.#run(init, reconnect, maxRetry);
    if (share && navigator.locks) this.#share(`kito:${share === true ? this.url : share}`, run);
    else run();
  }

  close() {
    this.readyState = CLOSED;
    this.#stop.abort();
    this.#channel?.close();
  }

  // Who holds the lock has the connection, and passes on what it brings.
  #share(name, run) {
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data: note }) => {
      if (!note.ask) this.#take(note);
      else if (this.#leads && this.readyState == OPEN) this.#tell("open");
    };
    this.#channel.postMessage({ ask: true });
    navigator.locks.request(name, { signal: this.#stop.signal }, () => {
      this.#leads = true;
      return run();
    }).catch(() => {});
  }

  #tell(type, state = OPEN, more) {
    if (this.readyState == CLOSED) return; // by a listener
    const note = { type, state, id: this.lastEventId, retry: this.retry, ...more };
    this.#channel?.postMessage(note);
    this.#take(note);
  }

  #take({ type, state, id, retry, data, error }) {
    const known = type == "open" && this.readyState == OPEN;
    Object.assign(this, { readyState: state, lastEventId: id, retry });
    if (state == CLOSED) this.close();
    if (data != null) this.dispatchEvent(new MessageEvent(type, { data, lastEventId: id }));
    else if (!known) this.dispatchEvent(Object.assign(new Event(type), { error }));
  }

  async #run(init, reconnect, maxRetry) {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; failures++) {
      let error, final = !reconnect;
      try {
        const headers = new Headers(init.headers);
        headers.set("accept", "text/event-stream");
        if (this.lastEventId) headers.set("last-event-id", unescape(encodeURIComponent(this.lastEventId))); // as UTF-8
        const response = await fetch(this.url, { cache: "no-store", ...init, headers, signal });
        const { status } = response;
        if (status == 204) final = true;
        else if (status != 200 || !/^text\/event-stream\b/i.test(response.headers.get("content-type"))) {
          final ||= status < 500 && status != 429;
          throw new Error(`${status} is no event stream`);
        } else {
          failures = 0;
          this.#tell("open");
          await this.#read(response.body.pipeThrough(new TextDecoderStream()).getReader());
        }
      } catch (reason) {
        error = String(reason);
      }
      if (signal.aborted) return;
      if (final) return this.#tell("close", CLOSED, { error });
      this.#tell("error", CONNECTING, { error });
      const pause = Math.max(this.retry, Math.min(this.retry * 2 ** failures, maxRetry)) * (1 + Math.random() / 2);
      await new Promise((resolve) => {
        setTimeout(resolve, pause);
        signal.addEventListener("abort", resolve);
      });
    }
  }

  // WHATWG HTML 9.2.6
  async #read(reader) {
    let rest = "", cr, data = [], event = "", id = this.lastEventId;
    for (let read; !(read = await reader.read()).done; ) {
      const text = read.value;
      const lines = (rest + (cr && text[0] == "\n" ? text.slice(1) : text)).split(/\r\n|\r|\n/);
      cr = text.endsWith("\r");
      rest = lines.pop();
      for (const line of lines) {
        const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line);
        if (!line) {
          this.lastEventId = id;
          if (data.length) this.#tell(event || "message", OPEN, { data: data.join("\n") });
          data = [];
          event = "";
        } else if (name == "data") data.push(value);
        else if (name == "event") event = value;
        else if (name == "id" && !value.includes("\0")) id = value;
        else if (name == "retry" && /^\d+$/.test(value)) this.retry = +value;
      }
    }
  }
}
