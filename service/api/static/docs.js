/** Shows openapi.json to people: each operation, what it takes and gives, and a way to try it. */

import { byId, element } from "./dom.js";
import { askForKey, hasKey, keyHeaders } from "./key.js";
import { describeModel } from "./service.js";
import { curlCommand } from "./shell.js";

const MOST_SHOWN = 20_000;

const code = (text) => element("code", {}, text);
const nameOf = (reference) => reference.split("/").pop();

/** Describe the type of a schema: text, and links to the schemas that have a name. */
function typeOf(schema) {
  if (schema.$ref) {
    const name = nameOf(schema.$ref);
    return [element("a", { href: `#${name}` }, name)];
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.flatMap((choice, index) => (index ? [" or ", ...typeOf(choice)] : typeOf(choice)));
  if (schema.enum) return [schema.enum.map((value) => JSON.stringify(value)).join(" or ")];
  if ("const" in schema) return [JSON.stringify(schema.const)];
  if (schema.type === "array") return ["list of ", ...typeOf(schema.items ?? {}), limits(schema, "Items")];
  if (schema.properties) return ["object of ", ...Object.keys(schema.properties).flatMap((name, index) => [index ? ", " : "", code(name)])];
  return [(schema.type ?? "anything") + limits(schema, "Length")];
}

/** Say how much, how many or how long a value may be. */
function limits(schema, counted) {
  const least = schema.minimum ?? schema[`min${counted}`];
  const most = schema.maximum ?? schema[`max${counted}`];
  const unit = { Items: " items", Length: schema.type === "string" ? " characters" : "" }[counted];
  if (least === undefined && most === undefined) return "";
  if (least === 1 && most === undefined && unit) return ", not empty";
  if (most === undefined) return `, ${least}${unit} or more`;
  return least === undefined ? `, up to ${most}${unit}` : `, ${least} to ${most}${unit}`;
}

function need(schema, name) {
  if (schema.required?.includes(name)) return "required";
  const { default: value } = schema.properties[name];
  return value === undefined || value === null ? "optional" : JSON.stringify(value);
}

function table(heads, rows) {
  const cells = (kind, values) => values.map((value) => element(kind, {}, ...[value].flat()));
  return element(
    "div",
    { className: "table", role: "group", ariaLabel: heads.join(", "), tabIndex: 0 },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...cells("th", heads))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells("td", row)))),
    ),
  );
}

const fields = (schema, second) =>
  table(
    ["Field", second, "Type", "Meaning"],
    Object.entries(schema.properties ?? {}).map(([name, field]) => [
      code(name),
      second === "Default" ? need(schema, name) : schema.required?.includes(name) ? "always" : "perhaps",
      typeOf(field),
      field.description ?? "",
    ]),
  );

function answers(responses) {
  return table(
    ["Status", "Meaning", "Content"],
    Object.entries(responses).map(([status, { description, content = {} }]) => [
      code(status),
      description,
      Object.entries(content).flatMap(([mediaType, { schema = {} }]) => [
        code(mediaType),
        ...(Object.keys(schema).length ? [": ", ...typeOf(schema)] : []),
      ]),
    ]),
  );
}

async function send(method, address, body) {
  const began = performance.now();
  const headers = body === undefined ? keyHeaders() : { "Content-Type": "application/json", ...keyHeaders() };
  const response = await fetch(address, { method, headers, body });
  const text = await response.text();
  const status = `${response.status} in ${(performance.now() - began).toFixed(0)} ms`;
  const isJson = response.headers.get("content-type")?.includes("json");
  const shown = isJson ? JSON.stringify(JSON.parse(text), null, 2) : text;
  return `${status}\n${shown.length > MOST_SHOWN ? `${shown.slice(0, MOST_SHOWN)}\n…` : shown}`;
}

/** Give what edits a body, and the command that sends it, which follows while the body is JSON. */
function editor(title, address, example) {
  const command = element("pre", { tabIndex: 0, role: "region", ariaLabel: `Command for ${title}` });
  const body = element("textarea", { rows: 8, spellcheck: false, value: JSON.stringify(example, null, 2) });
  const follow = () => {
    try {
      command.textContent = curlCommand(address, JSON.parse(body.value), hasKey());
    } catch {
      // half typed
    }
  };
  body.addEventListener("input", follow);
  follow();
  return [body, command];
}

/** Give what sends a request, and shows the answer. */
function trial(title, method, address, example) {
  const [body, command] = example ? editor(title, address, example) : [];
  const answer = element("pre", { hidden: true, tabIndex: 0, role: "status", ariaLabel: `Answer to ${title}` });
  const show = (text) => {
    answer.textContent = text;
    answer.hidden = false;
  };
  const onclick = () => send(method, address, body?.value).then(show, () => show("The service cannot be reached."));
  const button = element("button", { type: "button", onclick, ariaLabel: `Send ${title}` }, "Send");
  return body ? [element("label", {}, "Body", body), command, button, answer] : [button, answer];
}

const idOf = (path, method) => `${method}${path.replaceAll("/", "-")}`;

function contents(operations) {
  const items = operations.map(([path, method, { summary }]) =>
    element("li", {}, element("a", { href: `#${idOf(path, method)}` }, code(`${method.toUpperCase()} ${path}`)), ` ${summary ?? ""}`),
  );
  return element("nav", { ariaLabel: "Operations" }, element("ul", {}, ...items));
}

/** Give what a body is, and an example of it. */
function bodyOf(requestBody, schemas) {
  const { schema, examples } = requestBody?.content["application/json"] ?? {};
  const described = schema?.$ref ? schemas[nameOf(schema.$ref)] : schema;
  return [described, Object.values(examples ?? {})[0]?.value ?? described?.examples?.[0]];
}

function operation(path, method, { summary, description, requestBody, responses }, model, schemas) {
  const verb = method.toUpperCase();
  const title = `${verb} ${path}`;
  const filledIn = path.replace("{name}", model.name).replace("{version}", model.version);
  const address = new URL(filledIn.replace(/^\//, ""), document.baseURI).href;
  const [schema, example] = bodyOf(requestBody, schemas);
  return element(
    "section",
    { id: idOf(path, method) },
    element("h2", {}, element("span", { className: "method" }, verb), " ", code(path)),
    element("p", {}, summary ? element("strong", {}, summary) : "", ` ${description ?? ""}`),
    ...(schema ? [element("h3", {}, "Takes"), fields(schema, "Default")] : []),
    element("h3", {}, "Answers"),
    answers(responses),
    element("h3", {}, "Try it"),
    ...trial(title, verb, address, example),
  );
}

function named(name, schema) {
  return element(
    "section",
    { id: name },
    element("h2", {}, code(name)),
    element("p", {}, schema.description ?? ""),
    schema.properties ? fields(schema, "Present") : element("p", {}, ...typeOf(schema)),
  );
}

/** Names of the schemas that a part of the document refers to, directly or through others. */
function referred(part, schemas, found = new Set()) {
  for (const [key, value] of Object.entries(part ?? {})) {
    if (key === "$ref" && schemas[nameOf(value)] && !found.has(nameOf(value))) {
      found.add(nameOf(value));
      referred(schemas[nameOf(value)], schemas, found);
    } else if (value !== null && typeof value === "object") {
      referred(value, schemas, found);
    }
  }
  return found;
}

async function start() {
  const main = byId("interface");
  try {
    const { info, paths, components } = await (await fetch("openapi.json")).json();
    byId("name").textContent = `${info.title} ${info.version}`;
    main.append(element("p", {}, info.summary ?? ""));
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, described]) => [path, method, described]),
    );
    const model = await describeModel().catch(({ status }) => {
      if (status === 401) askForKey(() => location.reload());
      return { name: "{name}", version: "{version}" };
    });
    const schemas = components?.schemas ?? {};
    main.append(contents(operations), ...operations.map((parts) => operation(...parts, model, schemas)));
    for (const name of referred(paths, schemas)) main.append(named(name, schemas[name]));
  } catch {
    main.append(element("p", { className: "error", role: "alert" }, "openapi.json cannot be read."));
  }
  main.removeAttribute("aria-busy");
  byId(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView(); // it was not there when the browser looked
}

start();
