/* Live pages. One event stream (stream.js) says what changed; the elements that show it fetch themselves again.

   An element says what it shows with data-live-topic="application:12 status" ("pair:*" is every pair); when one of
   these topics changes it gets the htmx event "live" (hx-trigger="live"): at once when it can be seen or has
   data-live-always, else as soon as it can be seen; with data-live-every="2000" (and an id) at most once in so many
   milliseconds. <html> says where the stream is (data-stream; none, when nobody is there who may see it) and when the
   page was made (data-live-since). Nobody tells a page that control or the log reader has fallen silent: #troubles, the
   banner, asks every few seconds, and when its data-control or data-reader has changed, everything that is live fetches
   itself again.

   document.body gets "pairwise:topic" with detail.topic, and "pairwise:live" with detail.state (live | interrupted) for
   scripts that want to know. */
import { follow } from "./stream.js";

(() => {
  const COALESCE_MS = 150;
  const POLL_MS = 5000;
  const PATIENCE_MS = 3000; // a stream that is back so soon was no interruption worth a banner
  const RETRY_MS = 2000;

  const waiting = new Set();
  const asked = new Map(); // id of an element with data-live-every -> when it was asked for last
  const later = new Map(); // id -> timer of its next time
  let source = null,
    flushTimer = 0,
    pollTimer = 0,
    patienceTimer = 0;
  let refreshOnReady = false,
    firstOpen = true,
    lastId = "";

  // --- elements
  const topicsOf = (element) => element.dataset.liveTopic.split(/\s+/);
  const elements = () => document.querySelectorAll("[data-live-topic]");
  const visible =
    "IntersectionObserver" in window
      ? new IntersectionObserver(
          (entries) => {
            for (const entry of entries) {
              if (!entry.isIntersecting) continue;
              visible.unobserve(entry.target);
              fetchAgain(entry.target);
            }
          },
          { rootMargin: "200px" },
        )
      : null;

  function fetchAgain(element) {
    if (!element?.isConnected || !window.htmx || tooSoon(element)) return;
    window.htmx.trigger(element, "live");
  }

  function tooSoon(element) {
    const { id } = element,
      every = Number(element.dataset.liveEvery || 0),
      now = performance.now();
    if (!every) return false;
    const wait = (asked.get(id) ?? 0) + every - now; // 0: when this page was made
    if (wait <= 0) {
      asked.set(id, now);
      return false;
    }
    if (!later.has(id)) {
      later.set(
        id,
        setTimeout(() => {
          later.delete(id);
          if (!document.hidden) fetchAgain(document.getElementById(id));
        }, wait),
      );
    }
    return true;
  }

  function touch(element) {
    if (!visible || element.hasAttribute("data-live-always")) return fetchAgain(element);
    visible.unobserve(element); // observing anew reports at once whether it can be seen
    visible.observe(element);
  }

  function flush() {
    flushTimer = 0;
    const changed = new Set(waiting);
    waiting.clear();
    for (const topic of changed) {
      document.body.dispatchEvent(new CustomEvent("pairwise:topic", { detail: { topic } }));
    }
    const matches = (topic) =>
      topic.endsWith("*") ? [...changed].some((name) => name.startsWith(topic.slice(0, -1))) : changed.has(topic);
    for (const element of elements()) if (topicsOf(element).some(matches)) touch(element);
  }

  function heard(topics) {
    for (const topic of topics) waiting.add(topic);
    if (waiting.size && !flushTimer) flushTimer = setTimeout(flush, COALESCE_MS);
  }

  const refreshAll = () => elements().forEach(touch);

  // --- saying so
  const SENTENCE = "Live updates are interrupted; this page refreshes every 5 s.";

  function banner() {
    let line = document.getElementById("live-banner");
    if (line) return line;
    line = document.createElement("div");
    line.id = "live-banner";
    line.className = "banner";
    line.hidden = true;
    line.setAttribute("role", "status");
    document.getElementById("banner-slot")?.append(line);
    return line;
  }

  function interrupted() {
    patienceTimer = 0;
    if (pollTimer || document.hidden) return;
    banner().textContent = SENTENCE;
    banner().hidden = false;
    pollTimer = setInterval(refreshAll, POLL_MS);
    refreshAll();
    document.body.dispatchEvent(new CustomEvent("pairwise:live", { detail: { state: "interrupted" } }));
  }

  function live() {
    clearTimeout(patienceTimer);
    patienceTimer = 0;
    if (!pollTimer) return;
    clearInterval(pollTimer);
    pollTimer = 0;
    banner().hidden = true;
    refreshAll();
    document.body.dispatchEvent(new CustomEvent("pairwise:live", { detail: { state: "live" } }));
  }

  function lost() {
    if (!patienceTimer && !pollTimer) patienceTimer = setTimeout(interrupted, PATIENCE_MS);
  }

  // --- the stream
  // The page says when it was made (Unix ms): what changed since then is not in it yet.
  function address() {
    const url = new URL(document.documentElement.dataset.stream, location.href);
    const since = document.documentElement.dataset.liveSince;
    if (lastId) url.searchParams.set("after", lastId);
    else if (firstOpen && since) url.searchParams.set("since", since);
    return url;
  }

  function open() {
    if (source || document.hidden || !elements().length || !document.documentElement.dataset.stream) return;
    source = follow(address, Number(document.documentElement.dataset.liveSince || 0), hear);
  }

  function hear(kind, { id, topics }) {
    if (id) lastId = id;
    firstOpen = false;
    if (kind === "message") heard(topics);
    else if (kind === "refresh") refreshAll();
    else if (kind === "trouble") interrupted();
    else if (kind === "lost") lost();
    else {
      live();
      if (refreshOnReady) refreshAll();
      refreshOnReady = false;
    }
  }

  function close() {
    if (source) source.close();
    source = null;
  }

  function hide() {
    close();
    for (const timer of [flushTimer, patienceTimer]) clearTimeout(timer);
    clearInterval(pollTimer);
    if (pollTimer) banner().hidden = true;
    flushTimer = patienceTimer = pollTimer = 0;
  }

  function show() {
    if (source) return;
    refreshOnReady = true;
    lastId = "";
    open();
    if (source) lost(); // until "ready" says otherwise
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? hide() : show()));
  window.addEventListener("pagehide", hide);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) show();
  });

  // A request that got nowhere (the network changed, the server restarts) is made again, or the part would stay old.
  document.addEventListener("htmx:sendError", (event) => {
    const part = event.detail.requestConfig?.elt;
    if (part?.matches("[data-live-topic]")) setTimeout(() => document.hidden || fetchAgain(part), RETRY_MS);
  });
  // A part is not replaced while a form in it waits for its answer, which would find nobody, or while somebody is in a
  // field of it (what is typed there stays: hx-preserve); it is asked for later.
  const waits = (part) =>
    part.matches("[data-live-topic]") && part.querySelector("form.htmx-request, input[list]:focus");
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.requestConfig?.verb !== "get" || !waits(event.target)) return;
    event.detail.shouldSwap = false;
    event.target.dataset.missed = "";
  });
  document.addEventListener("focusout", (event) => {
    const part = event.target.closest("[data-live-topic][data-missed]");
    if (!part || part.contains(event.relatedTarget)) return;
    delete part.dataset.missed;
    fetchAgain(part);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.requestConfig?.elt;
    const part = form?.matches("form") && form.closest("[data-live-topic]");
    if (part) fetchAgain(part);
  });
  // --- whether control and the log reader answer
  const ANSWERING = ["control", "reader"];
  // By hand: htmx would follow the way to the sign-in page when the session is over, and take along what was typed.
  async function askWhoAnswers() {
    const said = document.getElementById("troubles");
    if (!said || !elements().length || document.hidden) return;
    const answer = await fetch(said.dataset.address).catch(() => null);
    const text = answer?.ok ? await answer.text() : "";
    const now = new DOMParser().parseFromString(text, "text/html").getElementById("troubles");
    // Said once, not every few seconds.
    if (!now || ANSWERING.every((who) => now.dataset[who] === said.dataset[who])) return;
    said.replaceWith(now);
    refreshAll();
  }
  setInterval(askWhoAnswers, POLL_MS);

  // Content that came later may be the first that is live.
  document.addEventListener("htmx:afterSettle", open);

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", open);
  else open();
})();
