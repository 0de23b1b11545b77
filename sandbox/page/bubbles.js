// Draws threads of messages, for the phones and for the inbox alike.

import { clock, element, icon, keep } from "./draw.js";

const SHOWN_MESSAGES = 200;
const NEAR_END_PIXELS = 80;
const TICKS = { sending: "clock", accepted: "clock", sent: "tick", delivered: "ticks", read: "ticks", failed: "alert" };
const IN_WORDS = { sending: "being sent", accepted: "accepted, not sent yet" };

/** Only links a browser may follow safely; a gateway under test may send anything. */
function webAddress(url) {
  try {
    return ["http:", "https:"].includes(new URL(url).protocol) ? url : null;
  } catch {
    return null;
  }
}

function medium(kind, url, name) {
  const address = webAddress(url);
  if (address === null) return element("span", { textContent: String(url) });
  const label = name || { image: "Picture", video: "Video", audio: "Voice message" }[kind] || "File";
  if (kind === "image") return element("img", { src: address, alt: label });
  if (kind === "video" || kind === "audio") return element(kind, { src: address, controls: true, preload: "none", ariaLabel: label });
  return element("a", { className: "file", href: address, target: "_blank", rel: "noopener noreferrer" }, icon("file"), element("span", { textContent: label }));
}

function place({ name, address, latitude, longitude }) {
  const title = name || address || "Location";
  const rest = address && address !== title && !address.startsWith(`${title},`) ? address : null;
  return element("div", { className: "place" },
    element("div", { className: "map", ariaHidden: "true" }, icon("pin")),
    element("strong", { textContent: title }),
    rest === null ? null : element("span", { textContent: rest }),
    element("span", { className: "coordinates", textContent: `${latitude}, ${longitude}` }));
}

const words = (text) => (text ? element("p", { className: "words", textContent: text }) : null);

function choices(texts, draw) {
  return element("div", { className: "replies" }, ...(texts ?? []).map(draw));
}

function contentOf(message, tap) {
  switch (message?.type) {
    case "text": return [words(message.text)];
    case "button": return [words(message.text)];
    case "attachment": {
      const { type, url, fileName, description } = message.attachment ?? {};
      return [medium(type, url, fileName), words(description)];
    }
    case "media": return [medium(message.kind, message.url, message.file_name), words(message.caption)];
    case "location": return [place(message)];
    case "quick_reply": return [words(message.title), choices(message.replies, (it) => element("span", { textContent: it }))];
    case "buttons": return [words(message.text), choices(message.buttons, (text) => element("button", { type: "button", textContent: text, onclick: () => tap(text) }))];
    default: return [element("pre", { textContent: JSON.stringify(message, null, 1) })];
  }
}

function ticks(status) {
  const label = IN_WORDS[status] ?? status;
  return element("span", { className: `ticks ${status}`, title: label, role: "img", ariaLabel: label }, icon(TICKS[status] ?? "clock"));
}

/** A message does not change once it is said; only what is known of it does. */
function fill(item, { message, time, mine, label, status, reason, tap, again }) {
  item.className = `bubble${mine ? " mine" : ""}${status === "failed" ? " failed" : ""}`;
  if (item.childElementCount === 0) item.append(...contentOf(message, tap).filter((it) => it !== null), element("div", { className: "fate" }));
  item.lastElementChild.replaceChildren(...[
    reason ? element("p", { className: "reason", textContent: reason }) : null,
    element("p", { className: "meta", ariaLive: "off" },
      again ? element("button", { type: "button", className: "again", textContent: "Send again", onclick: again }) : null,
      label ? element("span", { textContent: label }) : null,
      element("time", { textContent: clock(time), dateTime: new Date(time).toISOString(), title: new Date(time).toLocaleString() }),
      mine ? ticks(status) : null),
  ].filter((it) => it !== null));
}

const toEnd = (thread) => { thread.scrollTop = thread.scrollHeight; };
const atEnd = (thread) => thread.scrollHeight - thread.scrollTop - thread.clientHeight < NEAR_END_PIXELS;

/** Brings a thread to these messages of its owner; who has scrolled up to read stays there. */
export function showThread(thread, owner, bubbles) {
  if (thread.dataset.owner !== owner) {
    thread.dataset.owner = owner;
    thread.dataset.follows = "true";
    thread.replaceChildren();
  }
  keep(thread, bubbles.slice(-SHOWN_MESSAGES).map((it) => ({ ...it, look: [it.status, it.reason, it.label, it.time] })), fill);
  if (thread.dataset.follows === "true") toEnd(thread);
}

export function wireThread(thread) {
  thread.addEventListener("scroll", () => { thread.dataset.follows = String(atEnd(thread)); });
  // A picture takes its room only once it is there.
  thread.addEventListener("load", () => { if (thread.dataset.follows === "true") toEnd(thread); }, true);
}
