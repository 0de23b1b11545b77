// The page's copy of both worlds: loaded when /events opens, then changed by what it tells.

import { attempt, call } from "./calls.js";

/** Messages in the order they came, each found by its id. */
class Messages {
  #places = new Map();
  all = [];

  constructor(messages, idOf) {
    this.idOf = idOf;
    messages.forEach((it) => this.put(it));
  }

  put(message) {
    const id = this.idOf(message);
    const place = this.#places.get(id) ?? this.all.length;
    this.#places.set(id, place);
    this.all[place] = message;
  }

  get last() { return this.all.at(-1); }
}

const ofInbox = (messages) => new Messages(messages, (it) => it.id);
const ofPhone = (messages) => new Messages(messages, (it) => it.message_id);

export const world = { phones: new Map(), conversations: new Map(), counters: {}, fault: null, idType: "phone" };

export const nameOf = ({ contact, contactId }) => [contact.firstName, contact.lastName].filter(Boolean).join(" ") || contactId;

export function conversationOf(contactId, contact = {}) {
  const known = world.conversations.get(contactId);
  if (known !== undefined) {
    Object.assign(known.contact, contact);
    return known;
  }
  const opened = { contactId, contact, messages: ofInbox([]), seen: 0, opened: Date.now() };
  world.conversations.set(contactId, opened);
  return opened;
}

/** What the contact wrote since the agent looked or answered. */
export function unreadIn({ messages, seen }) {
  const fresh = messages.all.slice(seen);
  return fresh.slice(fresh.findLastIndex((it) => it.origin === "agent") + 1).filter((it) => it.origin === "contact").length;
}

async function load() {
  const [inbox, network] = await Promise.all([call("GET", "/inbox/state"), call("GET", "/phones")]);
  const before = world.conversations;
  const empty = [...before].filter(([, it]) => it.messages.all.length === 0);
  world.conversations = new Map(empty);
  inbox.conversations.forEach((it) => world.conversations.set(it.contactId, { ...it, messages: ofInbox(it.messages), seen: before.get(it.contactId)?.seen ?? 0, opened: 0 }));
  world.phones = new Map(network.phones.map((it) => [it.number, { ...it, messages: ofPhone(it.messages) }]));
  world.counters = inbox.counters;
  world.fault = inbox.fault;
  world.idType = inbox.id_type;
}

const TAKE = {
  bubble: ({ contact, bubble }) => conversationOf(bubble.contactId, contact).messages.put(bubble),
  counters: (counters) => { world.counters = counters; },
  phone: (phone) => world.phones.set(phone.number, { ...phone, messages: world.phones.get(phone.number)?.messages ?? ofPhone([]) }),
  phone_message: ({ number, message }) => world.phones.get(number)?.messages.put(message),
  fault: (fault) => { world.fault = fault; },
};

/** Follows the sandbox for ever; `changed` is called after each change, `connected(isLive)` as the connection comes and goes. */
export function follow(changed, connected) {
  const events = new EventSource("/events");
  let told = null; // while loading: what happened meanwhile, which is newer than what is loaded
  const take = ([name, data]) => TAKE[name](data);
  Object.keys(TAKE).forEach((name) => events.addEventListener(name, (event) => {
    const change = [name, JSON.parse(event.data)];
    if (told !== null) {
      told.push(change);
      return;
    }
    take(change);
    changed();
  }));
  events.onopen = async () => {
    const mine = [];
    told = mine;
    await attempt(load);
    if (told !== mine) return; // opened again meanwhile
    told = null;
    mine.forEach(take);
    connected(true);
    changed();
  };
  events.onerror = () => connected(false);
}
