// The server's endpoints for one language, and what is wrong where they refuse.

const { title: key, language } = document.body.dataset;
export const place = `/api/v1/titles/${encodeURIComponent(key)}/${encodeURIComponent(language)}`;

export class Refused extends Error {
  constructor(status, body) {
    super(body?.error?.what ?? "");
    this.status = status;
    this.body = body ?? {};
    this.fix = body?.error?.fix ?? "";
  }
}

const answered = async (asking) => {
  let answer;
  try {
    answer = await asking;
  } catch {
    throw new Refused(0, null);
  }
  const body = (answer.headers.get("content-type") ?? "").startsWith("application/json") ? await answer.json() : null;
  if (!answer.ok) throw new Refused(answer.status, body);
  return body;
};

export const get = (where = "") => answered(fetch(place + where));

export const post = (where, body, signal) =>
  answered(
    fetch(place + where, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Polydub": "page" },
      body: JSON.stringify(body),
      signal,
    }),
  );

// Called with what there is now whenever somebody edited or decided; the browser asks again where the server was gone.
export const listenToOthers = (changed) =>
  new EventSource(`${place}/events`).addEventListener("changed", (event) => changed(JSON.parse(event.data)));

export const me = () => answered(fetch("/api/v1/me"));

export const upload = (where, file) =>
  answered(
    fetch(place + where, {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream", "X-Polydub": "page" },
      body: file,
    }),
  );

export const bytes = async (where) => {
  const answer = await fetch(place + where);
  return answer.status === 200 ? new Uint8Array(await answer.arrayBuffer()) : null;
};
