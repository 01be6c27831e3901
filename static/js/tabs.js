// Which tab this is, and which others are open. A tab keeps its name over reloads and when the browser opens it again.
const NAME = "pairwise-tab";
const ANSWER_MS = 200;
const heard = new Set();
let channel = null;

export function tab() {
  if (!sessionStorage.getItem(NAME)) rename();
  return sessionStorage.getItem(NAME);
}
const rename = () =>
  sessionStorage.setItem(NAME, `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`);

function listen() {
  channel = new BroadcastChannel("pairwise-tabs");
  channel.addEventListener("message", ({ data }) => {
    if (data.asks) channel.postMessage({ here: tab() });
    else heard.add(data.here);
  });
}
// A page that listens could not be kept in memory for Back.
addEventListener("pagehide", () => channel.close());
addEventListener("pageshow", (event) => event.persisted && listen());
listen();

/* Names of the other tabs that are open. One that was duplicated begins with the first one's name: it takes another. */
export async function otherTabs() {
  heard.clear();
  channel.postMessage({ asks: true });
  await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
  if (heard.delete(tab())) rename();
  return heard;
}
