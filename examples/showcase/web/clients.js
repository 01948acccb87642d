// The browser's half of every example, without any drawing. The page shows these functions as they run.

export async function readText(url, onText, signal) {
  const response = await fetch(url, { signal });
  if (!response.ok) throw new Error(await response.text());
  const reader = response.body.getReader();
  const decoder = new TextDecoder(); // keeps cut characters
  while (true) {
    const { done, value } = await reader.read();
    if (done) break;
    onText(decoder.decode(value, { stream: true }));
  }
  onText(decoder.decode());
}

export function watchUpdates(url, onEvent) {
  const events = new EventSource(url);
  events.addEventListener("init", () => onEvent("init"));
  events.addEventListener("update", (e) => {
    onEvent("update", JSON.parse(e.data));
  });
  events.addEventListener("complete", () => {
    events.close(); // else the browser comes back
    onEvent("complete");
  });
  events.addEventListener("error", () => onEvent("error"));
}

export function ask(prompt, onText) {
  const stop = new AbortController();
  const query = new URLSearchParams({ prompt });
  const finished = readText(`/ai?${query}`, onText, stop.signal);
  return { finished, stop: () => stop.abort() };
}

export function watchJob(id, onProgress, onEnd) {
  const events = new EventSource(`/job/${id}`);
  events.addEventListener("progress", (e) => {
    onProgress(JSON.parse(e.data));
  });
  events.addEventListener("done", () => {
    events.close();
    onEnd("done");
  });
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) onEnd("lost");
  });
}

export function followLog(onEntry, onState) {
  const events = new EventSource("/logs");
  events.addEventListener("open", () => onState("live"));
  events.addEventListener("error", () => onState("waiting"));
  events.addEventListener("message", (e) => {
    onEntry(e.lastEventId, e.data.split("\n"));
  });
  return () => events.close();
}
