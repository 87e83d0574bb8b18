/** Requests to the service. Addresses are relative to the page, so that a prefix is kept. */

import { keyHeaders } from "./key.js";

export const CLASSIFY = new URL("classify", document.baseURI).href;

/** A request that failed; its message is shown to the user. */
export class Problem extends Error {}

async function send(address, { headers, ...options } = {}) {
  let response;
  try {
    response = await fetch(address, { ...options, headers: { ...headers, ...keyHeaders() } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The service cannot be reached. Is it still running?");
  }
  const content = await response.json().catch((error) => {
    if (error.name === "AbortError") throw error;
    return {};
  });
  if (response.ok) return content;
  const problem = new Problem(content.detail ?? content.title ?? `The service returned status ${response.status}.`);
  problem.status = response.status;
  throw problem;
}

function post(request, signal) {
  return send(CLASSIFY, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
    signal,
  });
}

/** Classify without an explanation if the text is too long for one. */
async function postWithFallback(request, signal) {
  try {
    return { request, prediction: await post(request, signal) };
  } catch (error) {
    if (!request.explain || error.status !== 413) throw error;
    const { explain: _, ...plain } = request;
    return { request: plain, prediction: await post(plain, signal) };
  }
}

/** Classify a text: return the request as it was sent last, the prediction and the time. */
export async function classify(request, signal) {
  const began = performance.now();
  const exchange = await postWithFallback(request, signal);
  return { ...exchange, milliseconds: performance.now() - began };
}

/** Return the JSON of a path of the service. */
export const load = (path) => send(new URL(path, document.baseURI).href);
