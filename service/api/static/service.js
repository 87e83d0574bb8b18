/** Asks the service. Addresses are relative to the page, so that it may stand behind a prefix. */

import { keyHeaders } from "./key.js";

export const CLASSIFY = new URL("classify", document.baseURI).href;

/** What the service could not answer; its message is the sentence for people. */
export class Problem extends Error {}

async function ask(address, { headers, ...options } = {}) {
  let response;
  try {
    response = await fetch(address, { ...options, headers: { ...headers, ...keyHeaders() } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The service cannot be reached. Is it still running?");
  }
  const answer = await response.json().catch((error) => {
    if (error.name === "AbortError") throw error;
    return {};
  });
  if (response.ok) return answer;
  const problem = new Problem(answer.detail ?? answer.title ?? `The service answered ${response.status}.`);
  problem.status = response.status;
  throw problem;
}

function post(request, signal) {
  return ask(CLASSIFY, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
    signal,
  });
}

/** A text that is too long to be explained is classified all the same. */
async function askPerhapsExplained(request, signal) {
  try {
    return { request, answer: await post(request, signal) };
  } catch (error) {
    if (!request.explain || error.status !== 413) throw error;
    const { explain: _, ...plain } = request;
    return { request: plain, answer: await post(plain, signal) };
  }
}

/** Classify a text: what was asked in the end, the answer, and how long it took. */
export async function classify(request, signal) {
  const began = performance.now();
  const asked = await askPerhapsExplained(request, signal);
  return { ...asked, milliseconds: performance.now() - began };
}

export const describeModel = () => ask(new URL("model", document.baseURI).href);
