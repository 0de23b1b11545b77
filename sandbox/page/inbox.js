// The inbox's Messages module: conversations, the open one, and what its agent sends.

import { $, attempt, call } from "./calls.js";
import { showThread, wireThread } from "./bubbles.js";
import { composed, showFields } from "./compose.js";
import { drawAvatar } from "./draw.js";
import { brief, showList, wireFind } from "./lists.js";
import { conversationOf, nameOf, unreadIn, world } from "./world.js";

const CONTACT_ID = { phone: /^\+[1-9][0-9]{6,14}$/, custom: /^[A-Za-z0-9_=+/@-]{1,50}$/ };

let chosen = null;

const send = (contactId, message) => attempt(() => call("POST", "/inbox/send", { contactId, message }));

export function drawInbox(redraw) {
  chosen ??= world.conversations.keys().next().value ?? null;
  const conversation = world.conversations.get(chosen);
  if (conversation !== undefined && isLookedAt()) conversation.seen = conversation.messages.all.length;
  const choose = (contactId) => () => {
    conversationOf(contactId);
    chosen = contactId;
    $("find-contact-text").value = "";
    redraw();
  };
  const wanted = $("find-contact-text").value;
  const fresh = wanted.replace(/[\s()]/g, "");
  let unread = 0;
  showList("conversations", [...world.conversations.values()].map((it) => {
    const last = it.messages.last;
    const time = last?.timestamp ?? it.opened;
    const badge = unreadIn(it);
    unread += badge;
    const by = last && last.origin !== "contact" ? "You: " : "";
    return { id: it.contactId, name: nameOf(it), last: last ? by + brief(last.message) : "No messages yet", time, badge, current: it.contactId === chosen, choose: choose(it.contactId) };
  }), { wanted, unit: "conversations", start: CONTACT_ID[world.idType].test(fresh) ? { id: fresh, name: fresh, last: "Start a conversation", time: 0, choose: choose(fresh) } : null });
  $("unread").hidden = unread === 0;
  $("unread").textContent = unread;
  $("fault").hidden = world.fault === null;
  if (conversation !== undefined) drawConversation(conversation);
}

/** On a narrow screen the inbox may be behind the phones. */
const isLookedAt = () => $("conversation").offsetParent !== null;

function drawConversation(conversation) {
  const name = nameOf(conversation);
  $("contact-name").textContent = name;
  $("contact-id").textContent = conversation.contactId;
  $("contact-avatar").hidden = false;
  drawAvatar($("contact-avatar"), name);
  showThread($("conversation"), chosen, conversation.messages.all.map((it) => ({
    id: it.id,
    message: it.message,
    time: it.timestamp,
    mine: it.direction === "outgoing",
    label: it.origin === "echo" ? "sent elsewhere" : it.duplicates ? `came ${it.duplicates + 1} times` : null,
    status: it.status,
    reason: it.reason,
    again: it.status === "failed" && it.origin === "agent" ? () => send(it.contactId, it.message) : null,
  })));
}

export function wireInbox(redraw) {
  wireThread($("conversation"));
  wireFind("find-contact", redraw);
  $("kind").addEventListener("change", showFields);
  showFields();
  $("inbox-form").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      if (chosen === null) throw new Error("Open a conversation first.");
      const contactId = chosen;
      const message = await composed();
      showFields();
      $("fields").querySelector("input, textarea").focus();
      await send(contactId, message);
    });
  });
}
