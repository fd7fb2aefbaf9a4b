// Brings #live of this page up to date: asks for the page again every few seconds, as data-live says, while somebody
// looks at it, and changes what has changed.  A page without data-live is finished.
"use strict";

const LONGEST_WAIT = 60;
let failures = 0;
let last = "";

function attributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function update(old, fresh) {
  if (old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  attributes(old, fresh);
  const [before, after] = [[...old.childNodes], [...fresh.childNodes]];
  before.slice(after.length).forEach((node) => node.remove());
  after.forEach((node, i) => {
    if (i < before.length) update(before[i], node);
    else old.append(document.importNode(node, true));
  });
}

async function look() {
  const old = document.getElementById("live");
  try {
    const answer = await fetch(location.href, { cache: "no-cache", credentials: "same-origin" });
    if (!answer.ok) throw new Error(answer.statusText);
    const text = await answer.text();
    if (text !== last) {
      const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("live");
      if (fresh) update(old, fresh);
      last = text;
    }
    failures = 0;
  } catch {
    failures += 1;
  }
  wait();
}

function wait() {
  const seconds = Number(document.getElementById("live")?.dataset.live);
  if (!seconds) return;
  setTimeout(() => {
    if (document.hidden) document.addEventListener("visibilitychange", look, { once: true });
    else look();
  }, 1000 * Math.min(seconds * 2 ** failures, LONGEST_WAIT));
}

wait();
