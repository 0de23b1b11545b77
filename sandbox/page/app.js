// Puts the page together: follows both worlds, and draws what changed, at most once a frame.

import { $ } from "./calls.js";
import { element } from "./draw.js";
import { drawInbox, wireInbox } from "./inbox.js";
import { drawPhones, wirePhones } from "./phone.js";
import { follow, world } from "./world.js";

const COUNTERS = { messages: "received", sends_accepted: "sent" };
// What should never be: said only once it has happened.
const MISHAPS = {
  sends_failed: "sends refused", duplicates: "came twice", regressions: "status went back", unknown_status: "status of nothing", refused_rate: "too fast",
  refused_contract: "against the contract", refused_token: "wrong token", faults: "faults on demand",
};

let isDrawing = false;

function draw() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    drawPhones(draw);
    drawInbox(draw);
    drawCounters();
  });
}

function drawCounters() {
  const count = (key, label, className) => element("div", { className },
    element("dt", { textContent: label }), element("dd", { textContent: (world.counters[key] ?? 0).toLocaleString() }));
  $("counters").replaceChildren(
    ...Object.entries(COUNTERS).map(([key, label]) => count(key, label, "")),
    ...Object.entries(MISHAPS).filter(([key]) => world.counters[key]).map(([key, label]) => count(key, label, "bad")));
}

function connected(isLive) {
  $("connection").textContent = isLive ? "live" : "reconnecting…";
  $("connection").classList.toggle("live", isLive);
}

/** On a narrow screen one world is shown at a time. */
function wireViews() {
  const buttons = document.querySelectorAll(".views button");
  buttons.forEach((button) => button.addEventListener("click", () => {
    document.body.dataset.view = button.dataset.view;
    buttons.forEach((it) => it.setAttribute("aria-pressed", String(it === button)));
    draw();
  }));
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

wirePhones(draw);
wireInbox(draw);
wireViews();
wireEnter();
follow(draw, connected);
