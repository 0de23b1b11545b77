// Draws messages, threads and lists. Everything that came from outside is set as text, never as markup.

const SHOWN_MESSAGES = 200;
const TICKS = { sending: "…", accepted: "✓", sent: "✓", delivered: "✓✓", read: "✓✓", failed: "✗", received: "" };

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

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
  const label = name || kind;
  if (kind === "image") return element("img", { src: address, alt: label });
  if (kind === "video" || kind === "audio") return element(kind, { src: address, controls: true, preload: "none" });
  return element("a", { href: address, textContent: `⬇ ${label}`, target: "_blank", rel: "noopener noreferrer" });
}

function place(message) {
  const lines = [message.name, message.address, `${message.latitude}, ${message.longitude}`];
  return element("span", {}, element("strong", { textContent: "Location\n" }), lines.filter(Boolean).join("\n"));
}

function contentOf(message, tap) {
  switch (message?.type) {
    case "text": return [element("span", { textContent: message.text })];
    case "button": return [element("span", { textContent: `▸ ${message.text}` })];
    case "attachment": {
      const { type, url, fileName, description } = message.attachment ?? {};
      return [medium(type, url, fileName), description ? element("span", { textContent: description }) : null];
    }
    case "media": return [
      medium(message.kind, message.url, message.file_name),
      message.caption ? element("span", { textContent: message.caption }) : null,
    ];
    case "location": return [place(message)];
    case "quick_reply": return [
      element("span", { textContent: message.title }),
      element("div", { className: "replies" }, ...(message.replies ?? []).map((it) => element("span", { textContent: it }))),
    ];
    case "buttons": return [
      element("span", { textContent: message.text }),
      element("div", { className: "replies" }, ...message.buttons.map((text) => element("button", { type: "button", textContent: text, onclick: () => tap(text) }))),
    ];
    default: return [element("pre", { textContent: JSON.stringify(message, null, 1) })];
  }
}

export function brief(message) {
  switch (message?.type) {
    case "attachment": return `[${message.attachment?.type}]`;
    case "media": return `[${message.kind}]`;
    case "location": return "[location]";
    default: return message?.text ?? message?.title ?? `[${message?.type}]`;
  }
}

function ticks(status) {
  const shade = status === "read" ? " read" : status === "accepted" || status === "sending" ? " pending" : "";
  return element("span", { className: `ticks${shade}`, textContent: TICKS[status] ?? "", title: status, role: "img", ariaLabel: status });
}

function bubble({ id, message, time, mine, label, status, reason, tap }) {
  const clock = new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const drawn = element("li", { className: `bubble${mine ? " mine" : ""}${status === "failed" ? " failed" : ""}` },
    ...contentOf(message, tap),
    reason ? element("p", { className: "reason", textContent: reason }) : null,
    element("p", { className: "meta" }, label ? element("span", { textContent: label }) : null, element("span", { textContent: clock }), mine ? ticks(status) : null));
  drawn.dataset.id = id;
  drawn.dataset.look = JSON.stringify([status, reason, time]);
  return drawn;
}

/** Brings a thread to this list of bubbles, touching only what differs, so that a screen reader hears only what is new. */
export function showThread(thread, owner, bubbles) {
  const atEnd = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 80;
  const isOther = thread.dataset.owner !== owner;
  if (isOther) {
    thread.dataset.owner = owner;
    thread.replaceChildren();
  }
  const drawn = new Map([...thread.children].map((child) => [child.dataset.id, child]));
  const wanted = bubbles.slice(-SHOWN_MESSAGES).map((it) => bubble(it));
  wanted.forEach((fresh, index) => {
    const old = drawn.get(fresh.dataset.id);
    drawn.delete(fresh.dataset.id);
    if (old === undefined) thread.insertBefore(fresh, thread.children[index] ?? null);
    else if (old.dataset.look !== fresh.dataset.look) old.replaceWith(fresh);
  });
  drawn.forEach((gone) => gone.remove());
  if (atEnd || isOther) thread.scrollTop = thread.scrollHeight;
}

export function showList(list, entries) {
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  list.replaceChildren(...entries.map(({ id, name, last, current, badge, choose }) => {
    const button = element("button", { type: "button", onclick: choose },
      element("span", { className: "name" }, element("span", { textContent: name }), badge ? element("span", { className: "badge", textContent: badge }) : null),
      element("span", { className: "last", textContent: last }));
    button.dataset.id = id;
    button.setAttribute("aria-current", String(current));
    return element("li", {}, button);
  }));
  if (focused !== null) [...list.querySelectorAll("button")].find((it) => it.dataset.id === focused)?.focus();
}
