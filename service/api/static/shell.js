/** The curl command of a request. */

/** Linux limits an argument to 128 KiB. */
const MAX_BYTES = 120_000;

/** Quote a word for a POSIX shell. */
export const quote = (word) => `'${word.replaceAll("'", "'\\''")}'`;

/** Write JSON with escapes for control and invisible characters, which terminals may interpret. */
export const toJson = (value) =>
  JSON.stringify(value).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** Return the command; the key is a variable in it. */
export function curlCommand(address, request, withKey) {
  const key = withKey ? ' -H "Authorization: Bearer $API_KEY"' : "";
  const start = `curl -s ${quote(address)}${key} -H 'Content-Type: application/json'`;
  const body = quote(toJson(request));
  return new TextEncoder().encode(body).length > MAX_BYTES
    ? `# too long for a command line: put the JSON into a file\n${start} -d @request.json`
    : `${start} \\\n  -d ${body}`;
}
