/* One event stream for all windows of this browser: over HTTP/1.1 it opens six connections to a host, and with a stream
   for each visible window the next page would never load.

   The window whose name is in localStorage, written anew every BEAT_MS, reads the stream and tells the others what it
   hears. When it goes it says so; when it is gone without a word, its name grows old. Whoever takes over reads on after
   the last id that all of them were told. Not navigator.locks: a browser has none for a console without TLS. */
const HOLDER = "pairwise-stream";
const BEAT_MS = 1500;
const OLD_MS = 5000;
const SETTLE_MS = 150; // of several that take over at once the last one to write has it
const REOPEN_MS = 10000;
const OVERLAP_MS = 5000; // what changed while a page was made
const KEPT = 200; // changes that are remembered for a window that comes

const msOf = (id) => Number(String(id).split("-")[0]);

function holder() {
  try {
    return JSON.parse(localStorage.getItem(HOLDER)) || {};
  } catch {
    return {};
  }
}

function write(name) {
  try {
    localStorage.setItem(HOLDER, JSON.stringify({ name, at: Date.now() }));
  } catch {
    // Without storage each window reads a stream of its own.
  }
}

/* Calls hear(kind, {id, topics}) with ready, message, refresh, trouble and lost until close() of what it returns.
   address() is where the stream is to be read from now on; since when the page was made (Unix ms). */
export function follow(address, since, hear) {
  const name = Math.random().toString(36).slice(2);
  const channel = new BroadcastChannel(HOLDER);
  let source = null,
    readyId = "",
    covers = 0, // the stream tells what changed since (Unix ms)
    kept = [],
    settling = 0,
    reopening = 0;

  const isMine = () => [name, undefined].includes(holder().name);
  const isFree = () => isMine() || Math.abs(Date.now() - holder().at) > OLD_MS;

  function tell(kind, detail = {}) {
    channel.postMessage({ kind, ...detail });
    hear(kind, detail);
  }

  function lead() {
    settling = 0;
    if (!isMine()) return channel.postMessage({ asks: name, since });
    const url = address();
    source = new EventSource(url);
    source.addEventListener("ready", ({ lastEventId: id }) => {
      if (!readyId) covers = msOf(url.searchParams.get("after") || url.searchParams.get("since") || id);
      readyId = id;
      tell("ready", { id });
    });
    for (const kind of ["refresh", "trouble"]) source.addEventListener(kind, () => tell(kind));
    source.addEventListener("message", ({ lastEventId: id, data }) => {
      const change = { id, topics: JSON.parse(data) };
      if (kept.push(change) > KEPT) covers = msOf(kept.shift().id) + 1;
      tell("message", change);
    });
    source.addEventListener("error", () => {
      // CONNECTING: the browser comes back by itself. CLOSED: it was refused and would not.
      const refused = source.readyState === EventSource.CLOSED;
      tell("lost");
      if (!refused) return;
      leave();
      reopening = setTimeout(lead, REOPEN_MS);
    });
  }

  function leave() {
    source?.close();
    source = null;
    readyId = "";
    kept = [];
  }

  function look() {
    if (source || reopening || settling) {
      if (isFree()) return write(name);
      // Another one took over while this window was held up.
      leave();
      clearTimeout(reopening);
      reopening = 0;
    } else if (isFree()) {
      write(name);
      settling = setTimeout(lead, SETTLE_MS);
    }
  }

  function answer(asks, from) {
    if (!source || !readyId) return;
    channel.postMessage({ to: asks, kind: "ready", id: kept.at(-1)?.id ?? readyId });
    if (from < covers) return channel.postMessage({ to: asks, kind: "refresh" });
    for (const change of kept) {
      if (msOf(change.id) >= from - OVERLAP_MS) channel.postMessage({ to: asks, kind: "message", ...change });
    }
  }

  channel.addEventListener("message", ({ data: { asks, since: from, free, to, kind, id, topics } }) => {
    if (asks) answer(asks, from);
    else if (free) look();
    else if (!to || to === name) hear(kind, { id, topics });
  });
  const beat = setInterval(look, BEAT_MS);
  look();
  if (!settling) channel.postMessage({ asks: name, since });

  return {
    close() {
      for (const timer of [settling, reopening]) clearTimeout(timer);
      clearInterval(beat);
      leave();
      if (holder().name === name) {
        localStorage.removeItem(HOLDER);
        channel.postMessage({ free: true });
      }
      channel.close();
    },
  };
}
