/** The command that asks what the page asks. */

/** Linux takes no longer argument than 128 KiB. */
const MOST_BYTES = 120_000;

/** Quote a word for a POSIX shell: all but the quote itself stands for itself. */
export const quote = (word) => `'${word.replaceAll("'", "'\\''")}'`;

/** Write JSON without characters that a terminal may obey or hide, which JSON itself lets through. */
export const toJson = (value) =>
  JSON.stringify(value).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** Write the command; with a key, of which it names the variable only. */
export function curlCommand(address, request, withKey) {
  const key = withKey ? ' -H "Authorization: Bearer $API_KEY"' : "";
  const start = `curl -s ${quote(address)}${key} -H 'Content-Type: application/json'`;
  const body = quote(toJson(request));
  return new TextEncoder().encode(body).length > MOST_BYTES
    ? `# too long for a command line: put the JSON into a file\n${start} -d @request.json`
    : `${start} \\\n  -d ${body}`;
}
