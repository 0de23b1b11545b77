// What an agent can send: the fields of each type, and the message they make.

import { $, upload } from "./calls.js";
import { element } from "./draw.js";

const FIELDS = {
  text: [{ name: "text", label: "Text", area: true }],
  location: [
    { name: "latitude", label: "Latitude", number: true, value: "52.5219" },
    { name: "longitude", label: "Longitude", number: true, value: "13.4132" },
    { name: "address", label: "Address", optional: true, value: "Alexanderplatz, Berlin" },
  ],
  quick_reply: [
    { name: "title", label: "Question" },
    { name: "replies", label: "Answers, one a line", area: true, value: "Yes\nNo" },
  ],
  custom_payload: [{ name: "payload", label: "Payload (JSON)", area: true, value: "{}" }],
};
const ATTACHMENT_FIELDS = [
  { name: "upload", label: "Upload", file: true, optional: true },
  { name: "url", label: "or URL", optional: true },
  { name: "description", label: "Caption", optional: true },
];

export function showFields() {
  const fields = FIELDS[$("kind").value] ?? ATTACHMENT_FIELDS;
  $("fields").replaceChildren(...fields.map(({ name, label, area, number, file, optional, value }) => {
    const input = area ? element("textarea", { rows: name === "text" ? 1 : 2 }) : element("input", { type: file ? "file" : number ? "number" : "text" });
    if (number) input.step = "any";
    input.id = `field-${name}`;
    input.required = !optional;
    if (value !== undefined) input.value = value;
    if (name === "text") input.placeholder = "Write as an agent";
    if (file && $("kind").value !== "file") input.accept = `${$("kind").value}/*`;
    return element("label", { className: name === "text" ? "wide alone" : area || name === "title" ? "wide" : "" }, element("span", { textContent: label }), input);
  }));
}

const field = (name) => $(`field-${name}`).value;

export async function composed() {
  const kind = $("kind").value;
  switch (kind) {
    case "text": return { type: "text", text: field("text") };
    case "location": {
      const address = field("address") ? { address: field("address") } : {};
      return { type: "location", latitude: Number(field("latitude")), longitude: Number(field("longitude")), ...address };
    }
    case "quick_reply": return { type: "quick_reply", title: field("title"), replies: field("replies").split("\n").map((it) => it.trim()).filter(Boolean) };
    case "custom_payload": return { type: "custom_payload", payload: JSON.parse(field("payload")) };
    default: {
      const [file] = $("field-upload").files;
      const hosted = file === undefined ? null : await upload(file);
      if (hosted === null && !field("url")) throw new Error("Give a URL or a file.");
      const details = hosted === null ? { url: field("url") } : { url: hosted.url, mimeType: hosted.mime_type, fileName: hosted.name };
      return { type: "attachment", attachment: { type: kind, ...details, ...(field("description") ? { description: field("description") } : {}) } };
    }
  }
}
