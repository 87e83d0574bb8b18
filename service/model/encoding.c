/* Encodes a text. The reference is FieldEncoder.encode_in_python in field_encoder.py.
 *
 * Nothing is allocated or kept: compiled_encoder.py owns and passes the memory. compile_encoder.py
 * compiles this file.
 */
#include <stdint.h>

enum { PAD_ID = 0, START_ID = 1, UNKNOWN_ID = 2, FIRST_WORD_ID = 4, MAX_NUMBERS = 8 };
enum { KEY_BYTES = 16, SLOTS_PER_WORD = 2 };
enum { RADIX_BITS = 10, RADIX = 1 << RADIX_BITS }; /* two digits hold MAX_TOKEN_ID */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a key has its first byte in the lowest bits");

/* A word of the vocabulary; half a cache line. */
typedef struct {
    uint64_t key[2]; /* its first bytes, padded with zeros */
    uint32_t begin; /* its offset in `words` */
    uint32_t id; /* PAD_ID in an empty slot */
    uint32_t title_id, lead_id; /* ids of its tokens in title and lead; PAD_ID for none */
} Slot;

typedef struct {
    const uint8_t *words; /* all of them in UTF-8, each with a zero behind it, then KEY_BYTES zeros */
    Slot *slots; /* a hash table with linear probing */
    uint64_t mask; /* number of slots, a power of two, minus 1 */
    Slot unknown; /* stands for unknown words */
    Slot numbers[MAX_NUMBERS + 1]; /* stand for numbers, by number of digits */
    uint32_t last_number_id;
    int32_t splits_apostrophes; /* apostrophes separate words, unless between letters or digits */
    int32_t drops_possessive; /* looks an unknown word up again without 's */
    int32_t ends_line_at_return; /* a carriage return ends a line; a newline always does */
    int64_t lead_words, max_title_words;
} Vocabulary;

/* Begins the result; n_tokens ids (int64) and as many counts (float32) follow. */
typedef struct {
    int64_t n_tokens, n_words, n_unknown, n_numbers;
} Result;

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

static uint64_t mix(uint64_t bits)
{
    bits ^= bits >> 32;
    return bits * 0x9E3779B97F4A7C15ULL; /* Knuth, The Art of Computer Programming 3, 6.4 */
}

/* The first slot of a word, before masking: multiplicative hashing of its key and the bytes behind it. */
static uint64_t hash(const uint64_t key[2], const uint8_t *word, uint64_t n_bytes)
{
    uint64_t mixed = mix(mix(key[0]) ^ key[1]);
    for (uint64_t i = KEY_BYTES; i < n_bytes; i++)
        mixed = mix(mixed ^ word[i]);
    return mixed >> 32;
}

/* Compare the bytes behind the key; the word is at least as long as the key. */
static int is_same(const uint8_t *known, const uint8_t *word, uint64_t n_bytes)
{
    for (uint64_t i = KEY_BYTES; i < n_bytes; i++)
        if (known[i] != word[i])
            return 0;
    return known[n_bytes] == 0;
}

/* The slot of a word, or the empty one where it would be. */
static Slot *find_slot(const Vocabulary *vocabulary, const uint8_t *word, uint64_t n_bytes)
{
    uint64_t key[2];
    read_key(word, n_bytes, key);
    for (uint64_t i = hash(key, word, n_bytes);; i++) {
        Slot *slot = &vocabulary->slots[i & vocabulary->mask];
        if (slot->id == PAD_ID)
            return slot;
        if (slot->key[0] == key[0] && slot->key[1] == key[1]
            && (n_bytes < KEY_BYTES || is_same(vocabulary->words + slot->begin, word, n_bytes)))
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

/* Fill the empty slots with the words, which begin at `begins`; the last one is where they end. */
void fill_slots(Vocabulary *vocabulary, const int64_t *begins, const uint32_t *ids,
    const uint32_t *title_ids, const uint32_t *lead_ids, int64_t n_words)
{
    for (int64_t i = 0; i < n_words; i++) {
        const uint8_t *word = vocabulary->words + begins[i];
        uint64_t n_bytes = (uint64_t)(begins[i + 1] - begins[i] - 1);
        Slot *slot = find_slot(vocabulary, word, n_bytes);
        read_key(word, n_bytes, slot->key);
        slot->begin = (uint32_t)begins[i];
        slot->id = ids[i];
        slot->title_id = title_ids[i];
        slot->lead_id = lead_ids[i];
    }
}

static int is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

enum { OTHER_DIGIT = 0xFF }; /* a digit of another script; never a byte of UTF-8 */

static int is_number(const uint8_t *word, uint64_t n_bytes)
{
    for (uint64_t i = 0; i < n_bytes; i++)
        if (!is_digit(word[i]) && word[i] != OTHER_DIGIT)
            return 0;
    return 1;
}

static const Slot *find_word(const Vocabulary *vocabulary, const uint8_t *word, uint64_t n_bytes)
{
    const Slot *slot = find_slot(vocabulary, word, n_bytes);
    if (slot->id != PAD_ID)
        return slot;
    if (is_number(word, n_bytes))
        return &vocabulary->numbers[n_bytes < MAX_NUMBERS ? n_bytes : MAX_NUMBERS];
    if (vocabulary->drops_possessive && n_bytes > 2 && word[n_bytes - 2] == '\''
        && word[n_bytes - 1] == 's')
        slot = find_slot(vocabulary, word, n_bytes - 2);
    return slot->id == PAD_ID ? &vocabulary->unknown : slot;
}

/* A byte in lower case; 0 if it separates words. Bytes of characters beyond ASCII belong to words. */
static uint8_t fold(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return byte + ('a' - 'A');
    return is_digit(byte) || (byte >= 'a' && byte <= 'z') || byte == '\'' || byte >= 0x80 ? byte : 0;
}

/* The offset behind leading white space, as str.lstrip defines it. */
static int64_t skip_blanks(const uint8_t *text, int64_t n_bytes)
{
    int64_t i = 0;
    while (i < n_bytes && (text[i] == ' ' || (text[i] >= 9 && text[i] <= 13)
               || (text[i] >= 28 && text[i] <= 31)))
        i++;
    return i;
}

static int64_t find_line_end(const Vocabulary *vocabulary, const uint8_t *text, int64_t n_bytes)
{
    int64_t i = 0;
    while (i < n_bytes && text[i] != '\n' && !(text[i] == '\r' && vocabulary->ends_line_at_return))
        i++;
    return i;
}

/* Whether an apostrophe is not between two letters or digits. */
static int is_edge(const uint8_t *text, int64_t n_bytes, int64_t place)
{
    uint8_t before = place > 0 ? fold(text[place - 1]) : 0;
    uint8_t after = place + 1 < n_bytes ? fold(text[place + 1]) : 0;
    return before == 0 || before == '\'' || after == 0 || after == '\'';
}

/* The parts of the memory of `encode`. */
typedef struct {
    Result *result;
    int64_t *token_ids;
    const Slot **words;
    float *counts;
    uint32_t *ids, *spare;
    uint8_t *folded;
} Work;

/* The maximum number of words in n_bytes. A word takes a byte, and another one before the next word,
 * except between title, first line and the rest. */
static int64_t count_words(int64_t n_bytes) { return (n_bytes + 3) / 2; }

/* The maximum number of tokens: START_ID, and two for each word, one of them of a field. */
static int64_t count_tokens(int64_t n_bytes) { return 2 * count_words(n_bytes) + 1; }

/* The memory that `encode` needs for so many bytes of title and text together. */
int64_t work_bytes(int64_t n_bytes)
{
    int64_t of_a_token = sizeof(int64_t) + sizeof(float) + 2 * sizeof(uint32_t);
    return (int64_t)sizeof(Result) + count_tokens(n_bytes) * of_a_token
        + count_words(n_bytes) * (int64_t)sizeof(Slot *) + n_bytes + KEY_BYTES;
}

static Work divide(void *memory, int64_t n_bytes)
{
    int64_t max_tokens = count_tokens(n_bytes);
    Work work = {.result = memory};
    work.token_ids = (int64_t *)(work.result + 1);
    work.words = (const Slot **)(work.token_ids + max_tokens);
    work.counts = (float *)(work.words + count_words(n_bytes));
    work.ids = (uint32_t *)(work.counts + max_tokens);
    work.spare = work.ids + max_tokens;
    work.folded = (uint8_t *)(work.spare + max_tokens);
    return work;
}

/* Append the words of a text, and return how many there are now. Their slots are prefetched first: most
 * are in no cache, and memory can load them at the same time. */
static int64_t append_words(const Vocabulary *vocabulary, const uint8_t *text, int64_t n_bytes,
    Work work, int64_t n_words)
{
    uint8_t *folded = work.folded;
    for (int64_t i = 0; i < n_bytes; i++)
        folded[i] = fold(text[i]);
    for (int64_t i = 0; i < n_bytes && vocabulary->splits_apostrophes; i++)
        if (folded[i] == '\'' && is_edge(text, n_bytes, i))
            folded[i] = 0;
    for (int64_t i = 0; i < KEY_BYTES; i++)
        folded[n_bytes + i] = 0;
    uint32_t *begins = work.ids, *ends = work.spare;
    int64_t n = 0;
    for (int64_t end = 0; end < n_bytes; end++) {
        int64_t begin = end;
        while (folded[end])
            end++;
        if (end > begin) {
            uint64_t key[2], n_word = (uint64_t)(end - begin);
            read_key(folded + begin, n_word, key);
            uint64_t first = hash(key, folded + begin, n_word) & vocabulary->mask;
            __builtin_prefetch(&vocabulary->slots[first]);
            begins[n] = (uint32_t)begin;
            ends[n++] = (uint32_t)end;
        }
    }
    for (int64_t i = 0; i < n; i++)
        work.words[n_words + i] = find_word(vocabulary, folded + begins[i], ends[i] - begins[i]);
    return n_words + n;
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

/* Encode a text. If `title` has no word, the first line of the text is the title if it may be
 * (`may_begin_with_title`) and is short enough. */
void encode(const Vocabulary *vocabulary, const uint8_t *title, int64_t title_bytes,
    const uint8_t *text, int64_t text_bytes, int32_t may_begin_with_title, void *memory)
{
    Work work = divide(memory, title_bytes + text_bytes);
    int64_t title_end = append_words(vocabulary, title, title_bytes, work, 0), n_words = title_end;
    if (title_end == 0 && may_begin_with_title) {
        int64_t begin = skip_blanks(text, text_bytes);
        int64_t line_end = begin + find_line_end(vocabulary, text + begin, text_bytes - begin);
        n_words = append_words(vocabulary, text, line_end, work, 0);
        title_end = n_words <= vocabulary->max_title_words ? n_words : 0;
        text += line_end;
        text_bytes -= line_end;
    }
    n_words = append_words(vocabulary, text, text_bytes, work, n_words);
    int64_t lead_end = title_end + vocabulary->lead_words, n = 0;
    *work.result = (Result){.n_words = n_words};
    work.ids[n++] = START_ID;
    for (int64_t i = 0; i < n_words; i++) {
        const Slot *word = work.words[i];
        uint32_t field_id = i < title_end ? word->title_id : i < lead_end ? word->lead_id : PAD_ID;
        work.ids[n++] = word->id;
        if (field_id != PAD_ID)
            work.ids[n++] = field_id;
        work.result->n_unknown += word->id == UNKNOWN_ID;
        work.result->n_numbers += word->id >= FIRST_WORD_ID && word->id <= vocabulary->last_number_id;
    }

    sort_by_digit(work.ids, work.spare, n, 0);
    sort_by_digit(work.spare, work.ids, n, RADIX_BITS);
    int64_t n_tokens = 0;
    for (int64_t begin = 0, end; begin < n; begin = end) {
        for (end = begin + 1; end < n && work.ids[end] == work.ids[begin]; end++)
            ;
        work.token_ids[n_tokens] = work.ids[begin];
        work.counts[n_tokens++] = (float)(end - begin);
    }
    work.result->n_tokens = n_tokens;
    __builtin_memmove(
        work.token_ids + n_tokens, work.counts, (uint64_t)n_tokens * sizeof(float));
}
