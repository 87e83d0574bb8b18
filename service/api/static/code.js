/** A request as a command or a program that sends it again, and its response. */

/** Linux limits an argument to 128 KiB. */
const MAX_BYTES = 120_000;

/** Quote a word for a POSIX shell. */
export const quote = (word) => `'${word.replaceAll("'", "'\\''")}'`;

/** Write JSON with escapes for control and invisible characters, which terminals may interpret. */
export const toJson = (value, indent) =>
  JSON.stringify(value, null, indent).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** Write an object of strings, numbers and Booleans as Python; its strings have the escapes of JSON. */
function toPython(value) {
  const write = (item) => (typeof item === "boolean" ? { true: "True", false: "False" }[item] : toJson(item));
  const lines = Object.entries(value).map(([name, item]) => `    ${toJson(name)}: ${write(item)},`);
  return ["{", ...lines, "}"].join("\n");
}

/** Return the command; the key is a variable in it, as in the programs. */
export function curlCommand({ address, request, withKey }) {
  const key = withKey ? ' -H "Authorization: Bearer $API_KEY"' : "";
  const start = `curl -s ${quote(address)}${key} -H 'Content-Type: application/json'`;
  const body = quote(toJson(request));
  return new TextEncoder().encode(body).length > MAX_BYTES
    ? `# too long for a command line: put the JSON into a file\n${start} -d @request.json`
    : `${start} \\\n  -d ${body}`;
}

/** Return a program of Python's standard library. */
export const pythonProgram = ({ address, request, withKey }) => `import json
${withKey ? "import os\n" : ""}from urllib.request import Request, urlopen

request = ${toPython(request)}
headers = {"Content-Type": "application/json"${withKey ? ', "Authorization": "Bearer " + os.environ["API_KEY"]' : ""}}
with urlopen(Request(${toJson(address)}, json.dumps(request).encode(), headers)) as response:
    print(json.dumps(json.load(response), indent=2))`;

/** Return a program for Node.js, and without a key for a browser's console. */
export const javaScriptProgram = ({ address, request, withKey }) => `const request = ${toJson(request, 2)};
fetch(${toJson(address)}, {
  method: "POST",
  headers: { "Content-Type": "application/json"${withKey ? ", Authorization: `Bearer ${process.env.API_KEY}`" : ""} },
  body: JSON.stringify(request),
})
  .then((response) => response.json())
  .then((prediction) => console.log(JSON.stringify(prediction, null, 2)));`;

export const responseJson = ({ prediction }) => toJson(prediction, 2);
