/* Encodes a text as FieldEncoder.encode_in_python in field_encoder.py, which says what it does.
 *
 * Nothing is allocated or kept: compiled_encoder.py owns the memory, and passes it. compile_encoder.py
 * compiles this file.
 */
#include <stdint.h>

enum { PAD_ID = 0, START_ID = 1, UNKNOWN_ID = 2, FIRST_WORD_ID = 4, MAX_NUMBERS = 8 };
enum { KEY_BYTES = 16, SLOTS_PER_WORD = 2, RADIX_BITS = 10, RADIX = 1 << RADIX_BITS };

typedef struct {
    uint64_t key[2]; /* the first bytes of the word, padded with zeros */
    uint32_t begin, n_bytes; /* where the word is among the words of the vocabulary */
    uint32_t id; /* PAD_ID in an empty slot */
    uint32_t unused; /* a slot is half a cache line */
} Slot;

typedef struct {
    const uint8_t *words; /* all of them in UTF-8, then KEY_BYTES zeros */
    Slot *slots; /* a hash table with linear probing */
    uint64_t mask; /* number of slots, a power of two, minus 1 */
    const uint32_t *title_ids; /* by the id of a word; PAD_ID for none */
    const uint32_t *lead_ids;
    uint32_t number_ids[MAX_NUMBERS + 1]; /* by the number of digits */
    uint32_t last_number_id;
    int64_t lead_words, max_title_words;
    int32_t splits_apostrophes; /* unless they are between letters or digits */
    int32_t drops_possessive; /* looks an unknown word up again without 's */
} Vocabulary;

/* The result begins with it; then come n_tokens ids (int64) and as many counts (float32). */
typedef struct {
    int64_t n_tokens, n_words, n_unknown, n_numbers;
} Result;

const char source_sha256[] = SOURCE_SHA256;

static uint64_t read_8(const uint8_t *from)
{
    uint64_t value;
    __builtin_memcpy(&value, from, sizeof value);
    return value;
}

/* The bytes from `from` on, of which up to KEY_BYTES may be read, as a padded key. */
static void read_key(const uint8_t *from, uint64_t n_bytes, uint64_t key[2])
{
    uint64_t head = n_bytes < 8 ? n_bytes : 8;
    uint64_t tail = n_bytes < 8 ? 0 : n_bytes < KEY_BYTES ? n_bytes - 8 : 8;
    key[0] = head ? read_8(from) & (~0ULL >> (64 - 8 * head)) : 0;
    key[1] = tail ? read_8(from + 8) & (~0ULL >> (64 - 8 * tail)) : 0;
}

/* Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4). */
static uint64_t hash(const uint64_t key[2])
{
    uint64_t mixed = (key[0] * 0x9E3779B97F4A7C15ULL) ^ (key[1] * 0xC2B2AE3D27D4EB4FULL);
    return (mixed * 0x9E3779B97F4A7C15ULL) >> 32;
}

static int is_same(const uint8_t *one, const uint8_t *other, uint64_t n_bytes)
{
    for (uint64_t i = 0; i < n_bytes; i++)
        if (one[i] != other[i])
            return 0;
    return 1;
}

/* The slot of a word, or the empty one where it would be. */
static Slot *find_slot(const Vocabulary *vocabulary, const uint8_t *word, uint64_t n_bytes)
{
    uint64_t key[2];
    read_key(word, n_bytes, key);
    for (uint64_t i = hash(key);; i++) {
        Slot *slot = &vocabulary->slots[i & vocabulary->mask];
        if (slot->id == PAD_ID)
            return slot;
        if (slot->key[0] == key[0] && slot->key[1] == key[1] && slot->n_bytes == n_bytes
            && (n_bytes <= KEY_BYTES || is_same(vocabulary->words + slot->begin, word, n_bytes)))
            return slot;
    }
}

/* How many slots a vocabulary needs: at least one of them stays empty. */
int64_t count_slots(int64_t n_words)
{
    int64_t n_slots = 1;
    while (n_slots <= n_words * SLOTS_PER_WORD)
        n_slots *= 2;
    return n_slots;
}

/* Fill the empty slots with the words, which end at `ends`. */
void fill_slots(Vocabulary *vocabulary, const int64_t *ends, const uint32_t *ids, int64_t n_words)
{
    for (int64_t i = 0; i < n_words; i++) {
        uint32_t begin = i ? (uint32_t)ends[i - 1] : 0;
        uint32_t n_bytes = (uint32_t)ends[i] - begin;
        const uint8_t *word = vocabulary->words + begin;
        Slot *slot = find_slot(vocabulary, word, n_bytes);
        read_key(word, n_bytes, slot->key);
        slot->begin = begin;
        slot->n_bytes = n_bytes;
        slot->id = ids[i];
    }
}

static int is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

static int is_number(const uint8_t *word, uint64_t n_bytes)
{
    for (uint64_t i = 0; i < n_bytes; i++)
        if (!is_digit(word[i]))
            return 0;
    return 1;
}

static uint32_t find_id(const Vocabulary *vocabulary, const uint8_t *word, uint64_t n_bytes)
{
    uint32_t id = find_slot(vocabulary, word, n_bytes)->id;
    if (id != PAD_ID)
        return id;
    if (is_number(word, n_bytes))
        return vocabulary->number_ids[n_bytes < MAX_NUMBERS ? n_bytes : MAX_NUMBERS];
    if (vocabulary->drops_possessive && n_bytes > 2 && word[n_bytes - 2] == '\''
        && word[n_bytes - 1] == 's')
        id = find_slot(vocabulary, word, n_bytes - 2)->id;
    return id == PAD_ID ? UNKNOWN_ID : id;
}

/* Lower case; 0 for what separates words. Bytes of characters beyond ASCII belong to words. */
static uint8_t fold(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte + ('a' - 'A');
    return is_digit(byte) || (byte >= 'a' && byte <= 'z') || byte == '\'' || byte >= 0x80 ? byte : 0;
}

/* Whether an apostrophe is not between two letters or digits. */
static int is_edge(const uint8_t *text, int64_t n_bytes, int64_t place)
{
    uint8_t before = place > 0 ? fold(text[place - 1]) : 0;
    uint8_t after = place + 1 < n_bytes ? fold(text[place + 1]) : 0;
    return before == 0 || before == '\'' || after == 0 || after == '\'';
}

/* Append the ids of the words of a text, and return the new length. */
static int64_t append_ids(const Vocabulary *vocabulary, const uint8_t *text, int64_t n_bytes,
    uint8_t *folded, uint32_t *ids, int64_t n_ids)
{
    for (int64_t i = 0; i < n_bytes; i++)
        folded[i] = fold(text[i]);
    for (int64_t i = 0; i < n_bytes && vocabulary->splits_apostrophes; i++)
        if (folded[i] == '\'' && is_edge(text, n_bytes, i))
            folded[i] = 0;
    for (int64_t i = 0; i < KEY_BYTES; i++)
        folded[n_bytes + i] = 0;
    for (int64_t end = 0; end < n_bytes; end++) {
        int64_t begin = end;
        while (folded[end])
            end++;
        if (end > begin)
            ids[n_ids++] = find_id(vocabulary, folded + begin, (uint64_t)(end - begin));
    }
    return n_ids;
}

/* Append the tokens of a field, and return the new length. */
static int64_t append_field(const uint32_t *field_ids, uint32_t *ids, int64_t begin, int64_t end,
    int64_t n_ids)
{
    for (int64_t i = begin; i < end; i++)
        if (field_ids[ids[i]] != PAD_ID)
            ids[n_ids++] = field_ids[ids[i]];
    return n_ids;
}

/* Sort by one digit of RADIX_BITS bits; the order of equal digits stays. */
static void sort_by_digit(const uint32_t *from, uint32_t *to, int64_t n, int shift)
{
    int64_t begins[RADIX] = {0};
    int64_t begin = 0;
    for (int64_t i = 0; i < n; i++)
        begins[from[i] >> shift & (RADIX - 1)]++;
    for (int digit = 0; digit < RADIX; digit++) {
        int64_t n_digit = begins[digit];
        begins[digit] = begin;
        begin += n_digit;
    }
    for (int64_t i = 0; i < n; i++)
        to[begins[from[i] >> shift & (RADIX - 1)]++] = from[i];
}

/* The most tokens of so many bytes. A word takes a byte, and another one before the next word, except
 * between title, first line and the rest. It has two tokens with that of a field; START_ID is one
 * more. */
static int64_t count_tokens(int64_t n_bytes) { return n_bytes + 3 + 1; }

/* The memory that `encode` needs for so many bytes of title and text together. */
int64_t work_bytes(int64_t n_bytes)
{
    int64_t of_a_token = sizeof(int64_t) + sizeof(float) + 2 * sizeof(uint32_t);
    return (int64_t)sizeof(Result) + count_tokens(n_bytes) * of_a_token + n_bytes + KEY_BYTES;
}

/* Encode a text. Its first line is the title if `title` has no word and the line is short enough. */
void encode(const Vocabulary *vocabulary, const uint8_t *title, int64_t title_bytes,
    const uint8_t *text, int64_t text_bytes, int64_t first_line_bytes, void *work)
{
    int64_t max_tokens = count_tokens(title_bytes + text_bytes);
    Result *result = work;
    int64_t *token_ids = (int64_t *)(result + 1);
    float *counts = (float *)(token_ids + max_tokens);
    uint32_t *ids = (uint32_t *)(counts + max_tokens), *other = ids + max_tokens;
    uint8_t *folded = (uint8_t *)(other + max_tokens);

    int64_t title_end = append_ids(vocabulary, title, title_bytes, folded, ids, 0), n = title_end;
    if (title_end == 0) {
        n = append_ids(vocabulary, text, first_line_bytes, folded, ids, 0);
        title_end = n <= vocabulary->max_title_words ? n : 0;
        text += first_line_bytes;
        text_bytes -= first_line_bytes;
    }
    n = append_ids(vocabulary, text, text_bytes, folded, ids, n);
    *result = (Result){.n_words = n};
    for (int64_t i = 0; i < n; i++) {
        result->n_unknown += ids[i] == UNKNOWN_ID;
        result->n_numbers += ids[i] >= FIRST_WORD_ID && ids[i] <= vocabulary->last_number_id;
    }
    int64_t lead_end = title_end + vocabulary->lead_words;
    lead_end = lead_end < n ? lead_end : n;
    n = append_field(vocabulary->title_ids, ids, 0, title_end, n);
    n = append_field(vocabulary->lead_ids, ids, title_end, lead_end, n);
    ids[n++] = START_ID;

    sort_by_digit(ids, other, n, 0);
    sort_by_digit(other, ids, n, RADIX_BITS);
    int64_t n_tokens = 0;
    for (int64_t begin = 0, end; begin < n; begin = end) {
        for (end = begin + 1; end < n && ids[end] == ids[begin]; end++)
            ;
        token_ids[n_tokens] = ids[begin];
        counts[n_tokens++] = (float)(end - begin);
    }
    result->n_tokens = n_tokens;
    __builtin_memmove(token_ids + n_tokens, counts, (uint64_t)n_tokens * sizeof(float));
}
