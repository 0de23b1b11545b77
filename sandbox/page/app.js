// The page keeps a copy of both worlds, changes it by what /events tells, and redraws what changed.

import { $, attempt, call, kindOf, upload } from "./calls.js";
import { composed, showFields } from "./compose.js";
import { brief, element, showList, showThread } from "./draw.js";

const COUNTERS = {
  messages: "in", echoes: "echoes", sends_accepted: "out", sends_failed: "failed", statuses: "statuses",
  duplicates: "duplicates", regressions: "backwards", unknown_status: "unknown", refused_rate: "too fast",
  refused_contract: "refused",
};
const BAD_COUNTERS = new Set(["duplicates", "regressions", "unknown_status", "refused_rate", "refused_contract"]);

const world = { phones: new Map(), conversations: new Map(), counters: {} };
let chosenPhone = null;
let chosenContact = null;
const unread = new Map();

const phonePath = (end = "") => `/phones/${encodeURIComponent(chosenPhone)}${end}`;

// ---- showing ------------------------------------------------------------

const nameOf = ({ contact, contactId }) => [contact.firstName, contact.lastName].filter(Boolean).join(" ") || contactId;

function drawPhones() {
  chosenPhone ??= world.phones.keys().next().value ?? null;
  showList($("phones"), [...world.phones.values()].map((phone) => ({
    id: phone.number,
    name: phone.name,
    last: phone.online ? brief([...phone.messages.values()].at(-1)?.message ?? { text: phone.number }) : "offline",
    current: phone.number === chosenPhone,
    choose: () => { chosenPhone = phone.number; draw(); },
  })));
  const phone = world.phones.get(chosenPhone);
  if (phone === undefined) return;
  $("phone-name").textContent = phone.name;
  $("phone-number").textContent = phone.number + (phone.untold ? ` · ${phone.untold} webhooks waiting` : "");
  $("online").checked = phone.online;
  $("blocked").checked = phone.blocked;
  $("too-fast").checked = phone.answer === 429;
  $("read-receipts").checked = phone.read_receipts;
  const onScreen = (it) => it.origin !== "business" || ["delivered", "read"].includes(it.status);
  showThread($("screen"), phone.number, [...phone.messages.values()].filter(onScreen).map((it) => ({
    id: it.message_id,
    message: it.message,
    time: it.time * 1000,
    mine: it.origin === "person",
    label: it.origin === "echo" ? "from the business's phone" : null,
    status: it.status,
    tap: (text) => attempt(() => call("POST", phonePath("/messages"), { message: { type: "button", text, button_of: it.message_id } })),
  })));
}

function drawInbox() {
  chosenContact ??= world.conversations.keys().next().value ?? null;
  unread.delete(chosenContact);
  const latest = [...world.conversations.values()].sort((one, other) => lastTime(other) - lastTime(one));
  showList($("conversations"), latest.map((conversation) => ({
    id: conversation.contactId,
    name: nameOf(conversation),
    last: brief([...conversation.messages.values()].at(-1)?.message ?? { text: "No messages" }),
    badge: unread.get(conversation.contactId),
    current: conversation.contactId === chosenContact,
    choose: () => { chosenContact = conversation.contactId; draw(); },
  })));
  const conversation = world.conversations.get(chosenContact);
  if (conversation === undefined) return;
  $("contact-name").textContent = nameOf(conversation);
  $("contact-id").textContent = conversation.contactId;
  showThread($("conversation"), chosenContact, [...conversation.messages.values()].map((it) => ({
    id: it.id,
    message: it.message,
    time: it.timestamp,
    mine: it.direction === "outgoing",
    label: it.origin === "echo" ? "echo" : it.duplicates ? `came ${it.duplicates + 1} times` : null,
    status: it.status,
    reason: it.reason,
  })));
}

const lastTime = (conversation) => [...conversation.messages.values()].at(-1)?.timestamp ?? Date.now();

function drawCounters() {
  $("counters").replaceChildren(...Object.entries(COUNTERS).map(([key, label]) => {
    const value = world.counters[key] ?? 0;
    return element("div", { className: BAD_COUNTERS.has(key) && value ? "bad" : "" },
      element("dt", { textContent: label }), element("dd", { textContent: value }));
  }));
}

let isDrawing = false;
function draw() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    drawPhones();
    drawInbox();
    drawCounters();
  });
}

// ---- following ------------------------------------------------------------

function conversationOf(contactId, contact = {}) {
  const known = world.conversations.get(contactId);
  if (known !== undefined) {
    Object.assign(known.contact, contact);
    return known;
  }
  const opened = { contactId, contact, messages: new Map() };
  world.conversations.set(contactId, opened);
  return opened;
}

async function load() {
  const [inbox, network] = await Promise.all([call("GET", "/inbox/state"), call("GET", "/phones")]);
  const empty = [...world.conversations.values()].filter((it) => it.messages.size === 0);
  world.conversations = new Map(inbox.conversations.map((it) => [it.contactId, { ...it, messages: new Map(it.messages.map((one) => [one.id, one])) }]));
  empty.forEach((it) => conversationOf(it.contactId, it.contact));
  world.phones = new Map(network.phones.map((it) => [it.number, { ...it, messages: new Map(it.messages.map((one) => [one.message_id, one])) }]));
  world.counters = inbox.counters;
  $("fault").hidden = inbox.fault === null;
  $("fault").textContent = inbox.fault === null ? "" : "The webhook is faulty on demand.";
  draw();
}

function follow() {
  const events = new EventSource("/events");
  const on = (name, take) => events.addEventListener(name, (event) => { take(JSON.parse(event.data)); draw(); });
  events.onopen = () => {
    $("connection").textContent = "live";
    $("connection").className = "live";
    attempt(load);
  };
  events.onerror = () => {
    $("connection").textContent = "reconnecting…";
    $("connection").className = "";
  };
  on("bubble", ({ contact, bubble: fresh }) => {
    const conversation = conversationOf(fresh.contactId, contact);
    if (fresh.origin === "contact" && fresh.contactId !== chosenContact && !conversation.messages.has(fresh.id)) {
      unread.set(fresh.contactId, (unread.get(fresh.contactId) ?? 0) + 1);
    }
    conversation.messages.set(fresh.id, fresh);
  });
  on("counters", (counters) => { world.counters = counters; });
  on("phone", (phone) => {
    const messages = world.phones.get(phone.number)?.messages ?? new Map();
    world.phones.set(phone.number, { ...phone, messages });
  });
  on("phone_message", ({ number, message }) => world.phones.get(number)?.messages.set(message.message_id, message));
  on("fault", (fault) => {
    $("fault").hidden = fault === null;
    $("fault").textContent = fault === null ? "" : "The webhook is faulty on demand.";
  });
}

// ---- writing ------------------------------------------------------------

async function write(message, as = "/messages") {
  return attempt(() => call("POST", phonePath(as), { message }));
}

async function writeText(as) {
  const text = $("phone-text").value;
  if (text.trim() && (await write({ type: "text", text }, as)) !== undefined) $("phone-text").value = "";
}

const PLACE = { type: "location", latitude: 52.5219, longitude: 13.4132, name: "Alexanderplatz", address: "Alexanderplatz, Berlin" };

function wirePhone() {
  $("phone-form").addEventListener("submit", (event) => { event.preventDefault(); writeText("/messages"); });
  $("phone-echo").addEventListener("click", () => writeText("/echo"));
  $("phone-location").addEventListener("click", () => write(PLACE));
  $("phone-read").addEventListener("click", () => attempt(() => call("POST", phonePath("/read"))));
  $("phone-file").addEventListener("change", () => attempt(async () => {
    const [file] = $("phone-file").files;
    if (file === undefined) return;
    const hosted = await upload(file);
    $("phone-file").value = "";
    await write({ type: "media", kind: kindOf(hosted.mime_type), url: hosted.url, mime_type: hosted.mime_type, file_name: hosted.name });
  }));
  const toggle = (id, change) => $(id).addEventListener("change", () => attempt(() => call("PUT", phonePath(), change($(id).checked))));
  toggle("online", (on) => ({ online: on }));
  toggle("blocked", (on) => ({ blocked: on }));
  toggle("too-fast", (on) => ({ answer: on ? 429 : null }));
  toggle("read-receipts", (on) => ({ read_receipts: on }));
}

function wireInbox() {
  $("kind").addEventListener("change", showFields);
  showFields();
  $("inbox-form").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      if (chosenContact === null) throw new Error("Open a conversation first.");
      const message = await composed();
      showFields();
      $("fields").querySelector("input, textarea").focus();
      await call("POST", "/inbox/send", { contactId: chosenContact, message });
    });
  });
  $("open-form").addEventListener("submit", (event) => {
    event.preventDefault();
    chosenContact = $("open-id").value.trim();
    conversationOf(chosenContact);
    $("open-id").value = "";
    draw();
  });
}

/** Enter sends, Shift+Enter is a new line. */
function wireEnter() {
  document.addEventListener("keydown", (event) => {
    const isMessage = event.target.id === "phone-text" || event.target.id === "field-text";
    if (isMessage && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });
}

wirePhone();
wireInbox();
wireEnter();
follow();
