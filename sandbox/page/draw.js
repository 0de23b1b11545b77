// The few ways in which the page makes and keeps elements. Everything that came from outside is set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const HUES = 6;

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** A drawing of the sprite in index.html; what it means is said beside it. */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#${name}`);
  drawing.append(use);
  drawing.setAttribute("class", `icon icon-${name}`);
  drawing.setAttribute("aria-hidden", "true");
  return drawing;
}

const HOUR_AND_MINUTE = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });
export const clock = (time) => HOUR_AND_MINUTE.format(time);

/** Initials, or the last two digits of who has no name. */
export function drawAvatar(avatar, name) {
  const words = name.split(/\s+/).filter((word) => /^\p{L}/u.test(word));
  const isPerson = words.length > 0 && !/\d/.test(name);
  avatar.textContent = isPerson ? [words[0], words.length > 1 ? words.at(-1) : ""].map((it) => [...it][0] ?? "").join("").toUpperCase() : name.slice(-2);
  avatar.className = `avatar hue-${[...name].reduce((sum, letter) => (sum * 29 + letter.codePointAt(0)) % 8191, 7) % HUES}`;
}

/**
 * Brings a list's items to these entries, touching only what differs: focus stays, a click under way is not lost, a picture does
 * not flicker, and a screen reader hears only what is new. `fill(item, entry)` writes an entry whose `look` is new into its item.
 */
export function keep(list, entries, fill) {
  const items = new Map([...list.children].map((item) => [item.dataset.id, item]));
  entries.forEach((entry, index) => {
    const item = items.get(entry.id) ?? element("li");
    items.delete(entry.id);
    const look = JSON.stringify(entry.look);
    if (item.dataset.look !== look) {
      item.dataset.id = entry.id;
      item.dataset.look = look;
      fill(item, entry);
    }
    if (list.children[index] !== item) moveTo(list, item, index);
  });
  items.forEach((gone) => gone.remove());
}

function moveTo(list, item, index) {
  const focused = item.contains(document.activeElement) ? document.activeElement : null;
  list.insertBefore(item, list.children[index] ?? null);
  focused?.focus();
}
