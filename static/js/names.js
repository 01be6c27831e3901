// Names in lists, titles and links have no blanks: where one must break, it does so behind a mark, not within a word.
const LONG = /\S{20,}/; // a shorter one goes to the next line whole
const MARKS = /(?<=\w[_./:@-]+)(?=\w)/;

export function breakNames(scope) {
  for (const cell of scope.querySelectorAll(".grid :is(td, th), .versus dt, main :is(h1, h2, h3, a)")) {
    if (!LONG.test(cell.textContent)) continue;
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    const long = [];
    while (texts.nextNode()) if (LONG.test(texts.currentNode.data)) long.push(texts.currentNode);
    for (const text of long) {
      if (text.parentElement.closest("button, time, select, option, textarea")) continue;
      const parts = text.data.split(MARKS);
      text.replaceWith(...parts.flatMap((part, place) => (place ? [document.createElement("wbr"), part] : [part])));
    }
  }
}
