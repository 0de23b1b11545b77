// How the page asks the sandbox for something, and says so when it fails.

const NOTICE_MS = 6000;
export const $ = (id) => document.getElementById(id);

export function notice(text) {
  $("notice").textContent = text;
  $("notice").hidden = false;
  clearTimeout(notice.timer);
  notice.timer = setTimeout(() => { $("notice").hidden = true; }, NOTICE_MS);
}

export async function call(method, path, body) {
  const isFile = body instanceof Blob;
  const answer = await fetch(path, {
    method,
    body: body === undefined || isFile ? body : JSON.stringify(body),
    headers: body === undefined || isFile ? {} : { "Content-Type": "application/json" },
  });
  const data = await answer.json();
  if (!answer.ok) throw new Error(data.error?.message ?? `The sandbox answered ${answer.status}.`);
  return data;
}

/** Runs what a button does, and says so where it fails. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    notice(error.message);
    return undefined;
  }
}

export const upload = (file) => call("POST", `/files?name=${encodeURIComponent(file.name)}`, file);

export function kindOf(mimeType) {
  const kind = mimeType.split("/")[0];
  return ["image", "video", "audio"].includes(kind) ? kind : "file";
}
