// The lists at the sides: the most recent, found by name or number, however many there are.

import { $ } from "./calls.js";
import { clock, drawAvatar, element, keep } from "./draw.js";

const SHOWN = 40;

export function brief(message) {
  const media = { image: "Picture", video: "Video", audio: "Voice", file: "File" };
  switch (message?.type) {
    case "attachment": return media[message.attachment?.type] ?? "Attachment";
    case "media": return media[message.kind] ?? "Attachment";
    case "location": return "Location";
    case "custom_payload": return "Custom payload";
    default: return message?.text ?? message?.title ?? "";
  }
}

const digits = (text) => text.replace(/[\s()-]/g, "");

/** Those that a person looks for, latest first; entries are `{id, name, time}` and what `fill` shows. */
function found(entries, wanted) {
  const words = wanted.trim().toLowerCase();
  const matching = words === "" ? entries : entries.filter((it) => it.name.toLowerCase().includes(words) || it.id.toLowerCase().includes(digits(words)));
  return matching.sort((one, other) => other.time - one.time);
}

export function showList(id, all, { wanted, unit, start }) {
  const entries = found(all, wanted);
  const shown = entries.slice(0, SHOWN);
  if (start !== null && !all.some((it) => it.id === start.id)) shown.push(start);
  keep($(id), shown.map((it) => ({ ...it, look: [it.name, it.last, it.time, it.badge ?? 0, it.current ?? false] })), fill);
  const more = $(`${id}-more`);
  more.hidden = entries.length <= SHOWN && (shown.length > 0 || wanted === "");
  more.textContent = shown.length ? `The latest ${SHOWN} of ${entries.length.toLocaleString()} ${unit}.` : `No ${unit} like that.`;
  bringIntoView($(id), shown.find((it) => it.current)?.id);
}

/** Where another entry was chosen, it is seen to be; else people scroll as they like. */
function bringIntoView(list, current) {
  if (current === undefined || list.offsetParent === null || list.dataset.current === current) return;
  list.dataset.current = current;
  [...list.children].find((it) => it.dataset.id === current)?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function fill(item, { id, name, last, time, badge, current, choose }) {
  const button = item.firstElementChild ?? item.appendChild(element("button", { type: "button" }));
  const avatar = element("span", { ariaHidden: "true" });
  drawAvatar(avatar, name);
  button.replaceChildren(
    avatar,
    element("span", { className: "name", textContent: name }),
    element("span", { className: "when", textContent: time > 0 ? clock(time) : "" }),
    element("span", { className: "last", textContent: last || id }),
    badge ? element("span", { className: "badge", textContent: badge, ariaLabel: `${badge} unread`, role: "img" }) : "",
  );
  button.onclick = choose;
  button.setAttribute("aria-current", String(current ?? false));
}

/** Typing filters; Enter takes the first. */
export function wireFind(id, draw) {
  const text = $(`${id}-text`);
  text.addEventListener("input", draw);
  $(id).addEventListener("submit", (event) => {
    event.preventDefault();
    const list = $(id === "find-phone" ? "phones" : "conversations");
    if (text.value.trim() === "") return;
    draw();
    requestAnimationFrame(() => list.querySelector("button")?.click()); // behind the drawing, which may still be due
  });
}
