// The phones: whose is in hand, what is on its screen, how it behaves, and what its person does.

import { $, attempt, call, kindOf, notice, upload } from "./calls.js";
import { showThread, wireThread } from "./bubbles.js";
import { clock } from "./draw.js";
import { brief, showList, wireFind } from "./lists.js";
import { world } from "./world.js";

const PLACE = { type: "location", latitude: 52.5219, longitude: 13.4132, name: "Alexanderplatz", address: "10178 Berlin" };
const NUMBER = /^\+[1-9][0-9]{6,14}$/;
// Each switch: whether it is on, and what it makes of the phone.
const SWITCHES = {
  "online": [(phone) => phone.online, (on) => ({ online: on })],
  "read-receipts": [(phone) => phone.read_receipts, (on) => ({ read_receipts: on })],
  "blocked": [(phone) => phone.blocked, (on) => ({ blocked: on })],
  "opted-out": [(phone) => phone.opted_out, (on) => ({ opted_out: on })],
  "unregistered": [(phone) => phone.unregistered, (on) => ({ unregistered: on })],
  "too-fast": [(phone) => phone.answer === 429, (on) => ({ answer: on ? 429 : null })],
};

let chosen = null;

const path = (end = "") => `/phones/${encodeURIComponent(chosen)}${end}`;
const isOnScreen = (it) => it.origin !== "business" || ["delivered", "read"].includes(it.status);
const lastOnScreen = (phone) => phone.messages.all.findLast(isOnScreen);

export function drawPhones(redraw) {
  chosen ??= world.phones.keys().next().value ?? null;
  const choose = (number) => () => { chosen = number; $("find-phone-text").value = ""; redraw(); };
  const wanted = $("find-phone-text").value;
  const number = wanted.replace(/[\s()-]/g, "");
  const bring = async () => {
    await attempt(() => call("PUT", `/phones/${encodeURIComponent(number)}`, {}));
    choose(number)();
  };
  showList("phones", [...world.phones.values()].map((phone) => {
    const last = lastOnScreen(phone);
    const time = (last?.time ?? 0) * 1000;
    return { id: phone.number, name: phone.name, last: last ? brief(last.message) : phone.number, time, current: phone.number === chosen, choose: choose(phone.number) };
  }), { wanted, unit: "phones", start: NUMBER.test(number) ? { id: number, name: number, last: "Take this phone in hand", time: 0, choose: bring } : null });
  const phone = world.phones.get(chosen);
  if (phone !== undefined) drawPhone(phone);
}

function drawPhone(phone) {
  $("phone-name").textContent = phone.name;
  $("phone-number").textContent = phone.number;
  $("phone-clock").textContent = clock(Date.now());
  $("phone-note").textContent = noteOf(phone);
  $("phone").classList.toggle("off", !phone.online);
  Object.entries(SWITCHES).forEach(([id, [isOn]]) => { $(id).checked = isOn(phone); });
  showThread($("screen"), phone.number, phone.messages.all.filter(isOnScreen).map((it) => ({
    id: it.message_id,
    message: it.message,
    time: it.time * 1000,
    mine: it.origin === "person",
    label: it.origin === "echo" ? "from its own phone" : null,
    status: it.status,
    tap: (text) => write({ type: "button", text, button_of: it.message_id }),
  })));
}

function noteOf(phone) {
  if (phone.untold > 0) return `${phone.untold} ${phone.untold === 1 ? "event" : "events"} the gateway has not taken yet`;
  if (!phone.online) return "this phone is off; messages wait";
  if (phone.blocked) return "you blocked this business";
  return "business account";
}

const write = (message, as = "/messages") => attempt(() => call("POST", path(as), { message }));

async function writeText(as) {
  const input = $("phone-text");
  const text = input.value;
  if (text.trim() === "") {
    if (as === "/echo") notice("Type on the phone first what the business writes.");
    return;
  }
  input.value = ""; // at once, so that what is typed next is not lost
  if ((await write({ type: "text", text }, as)) === undefined && input.value === "") input.value = text;
}

async function attach() {
  const [file] = $("phone-file").files;
  if (file === undefined) return;
  const hosted = await upload(file);
  $("phone-file").value = "";
  await write({ type: "media", kind: kindOf(hosted.mime_type), url: hosted.url, mime_type: hosted.mime_type, file_name: hosted.name });
}

export function wirePhones(redraw) {
  wireThread($("screen"));
  wireFind("find-phone", redraw);
  $("phone-form").addEventListener("submit", (event) => { event.preventDefault(); writeText("/messages"); });
  $("phone-echo").addEventListener("click", () => writeText("/echo"));
  $("phone-location").addEventListener("click", () => write(PLACE));
  $("phone-read").addEventListener("click", () => attempt(() => call("POST", path("/read"))));
  $("phone-file").addEventListener("change", () => attempt(attach));
  Object.entries(SWITCHES).forEach(([id, [, change]]) => {
    $(id).addEventListener("change", async () => {
      await attempt(() => call("PUT", path(), change($(id).checked)));
      redraw();
    });
  });
}
