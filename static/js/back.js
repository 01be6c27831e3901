/* A page that the browser brings back (Back, Forward) is for the session that it was made for. The console names that
   session in a cookie (provisioning/web/privacy.py); when another one is signed in by now, or nobody, the page goes
   away at once and is asked for anew. For the same session it stays as it was left, with all that was typed. */

const session = () =>
  document.cookie
    .split("; ")
    .filter((each) => each.startsWith("pairwise_who_"))
    .sort()
    .join();
const madeFor = session();

addEventListener("pageshow", (event) => {
  const wentBack = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  if (event.persisted ? session() !== madeFor : wentBack && !session()) {
    document.documentElement.hidden = true;
    location.reload();
  }
});
