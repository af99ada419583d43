// M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980: five steps, each replaces at most one ending, the longest that fits.
// [C](VC)ᵐ[V]: m, the measure, counts the changes from vowels to consonants in what stands before the ending. The extended rules are those
// of nltk's PorterStemmer in its default mode, which rouge_score uses: Porter's own later changes, a few irregular words, and four repairs.

namespace Raijin.Metrics;

/// <summary>Porter's stemmer of English words.</summary>
static class PorterStemmer
{
    static readonly (string Ending, string Instead)[] Step2 =
    [
        ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("abli", "able"), ("alli", "al"), ("entli", "ent"), ("eli", "e"),
        ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"), ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"),
        ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"),
    ];

    static readonly (string Ending, string Instead)[] ExtendedStep2 =
        [.. Step2.Select(rule => rule.Ending == "abli" ? ("bli", "ble") : rule), ("fulli", "ful")];

    static readonly (string Ending, string Instead)[] Step3 =
        [("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")];

    static readonly string[] Step4 =
    [
        "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti", "ous", "ive", "ize",
    ];

    /// <summary>Stems a word where it stands.</summary>
    /// <param name="word">In lower case.</param>
    /// <param name="extended">Whether the extended rules apply instead of those of 1980.</param>
    /// <returns>How many characters the stem has; it is never longer than the word.</returns>
    public static int Stem(Span<char> word, bool extended)
    {
        if (extended)
        {
            if (Irregular(word) is { } stem)
            {
                stem.CopyTo(word);
                return stem.Length;
            }
            if (word.Length <= 2) return word.Length;
        }
        var length = TakePlural(word, extended);
        length = TakePast(word, length, extended);
        length = TakeY(word, length, extended);
        length = TakeDouble(word, length, extended);
        length = Replace(word, length, Step3);
        length = TakeSuffix(word, length);
        length = TakeE(word, length, extended);
        return length > 1 && word[length - 1] == 'l' && word[length - 2] == 'l' && Measure(word[..(length - 1)]) > 1 ? length - 1 : length;
    }

    static string? Irregular(ReadOnlySpan<char> word) => word switch
    {
        "sky" or "skies" => "sky",
        "dying" => "die",
        "lying" => "lie",
        "tying" => "tie",
        "news" => "news",
        "innings" or "inning" => "inning",
        "outings" or "outing" => "outing",
        "cannings" or "canning" => "canning",
        "howe" => "howe",
        "proceed" => "proceed",
        "exceed" => "exceed",
        "succeed" => "succeed",
        _ => null,
    };

    // 1a: caresses, ponies, cats. Extended: ties keeps its e, as four letters.
    static int TakePlural(ReadOnlySpan<char> word, bool extended)
    {
        if (word.EndsWith("ies")) return extended && word.Length == 4 ? 3 : word.Length - 2;
        if (word.EndsWith("sses")) return word.Length - 2;
        return word.EndsWith("s") && !word.EndsWith("ss") ? word.Length - 1 : word.Length;
    }

    // 1b: agreed, plastered, motoring; then conflat(e), hop(p), fil(e).
    static int TakePast(Span<char> letters, int length, bool extended)
    {
        var word = letters[..length];
        if (extended && word.EndsWith("ied")) return length == 4 ? 3 : length - 2;
        if (word.EndsWith("eed")) return Measure(word[..^3]) > 0 ? length - 1 : length;
        var cut = word.EndsWith("ed") ? 2 : word.EndsWith("ing") ? 3 : 0;
        if (cut == 0 || !HasVowel(word[..^cut])) return length;
        var stem = word[..^cut];
        var wantsE = stem.EndsWith("at") || stem.EndsWith("bl") || stem.EndsWith("iz");
        if (!wantsE && EndsInDouble(stem)) return stem[^1] is 'l' or 's' or 'z' ? stem.Length : stem.Length - 1;
        if (!wantsE && !(Measure(stem) == 1 && EndsShort(stem, extended))) return stem.Length;
        letters[stem.Length] = 'e';
        return stem.Length + 1;
    }

    // 1c: happy. Extended: y after a consonant, be there a vowel or not, unless only one letter stands before.
    static int TakeY(Span<char> word, int length, bool extended)
    {
        if (length > 0 && word[length - 1] == 'y')
        {
            var stem = word[..(length - 1)];
            if (extended ? stem.Length > 1 && IsConsonant(stem, stem.Length - 1) : HasVowel(stem)) word[length - 1] = 'i';
        }
        return length;
    }

    // 2: relational, vietnamization. Extended: alli goes first, and what it leaves is looked at again; geologi, whose l counts as the stem's.
    static int TakeDouble(Span<char> word, int length, bool extended)
    {
        if (!extended) return Replace(word, length, Step2);
        if (word[..length].EndsWith("alli") && Measure(word[..(length - 4)]) > 0) length -= 2;
        if (word[..length].EndsWith("logi")) return Measure(word[..(length - 3)]) > 0 ? length - 1 : length;
        return Replace(word, length, ExtendedStep2);
    }

    // Only the first ending that fits is looked at, as the table orders them: the longer of two that end alike comes first.
    static int Replace(Span<char> word, int length, (string Ending, string Instead)[] rules)
    {
        foreach (var (ending, instead) in rules)
        {
            if (!word[..length].EndsWith(ending)) continue;
            var stem = length - ending.Length;
            if (Measure(word[..stem]) == 0) return length;
            instead.CopyTo(word[stem..]);
            return stem + instead.Length;
        }
        return length;
    }

    // 4: revival, adoption.
    static int TakeSuffix(ReadOnlySpan<char> letters, int length)
    {
        var word = letters[..length];
        foreach (var ending in Step4)
        {
            if (!word.EndsWith(ending)) continue;
            var stem = word[..^ending.Length];
            return Measure(stem) > 1 && (ending != "ion" || stem[^1] is 's' or 't') ? stem.Length : length;
        }
        return length;
    }

    // 5a: probate, cease.
    static int TakeE(ReadOnlySpan<char> word, int length, bool extended)
    {
        if (length == 0 || word[length - 1] != 'e') return length;
        var stem = word[..(length - 1)];
        var measure = Measure(stem);
        return measure > 1 || (measure == 1 && !EndsShort(stem, extended)) ? length - 1 : length;
    }

    static bool IsConsonant(ReadOnlySpan<char> word, int at) => word[at] switch
    {
        'a' or 'e' or 'i' or 'o' or 'u' => false,
        'y' => at == 0 || !IsConsonant(word, at - 1),
        _ => true,
    };

    static int Measure(ReadOnlySpan<char> stem)
    {
        var measure = 0;
        for (var i = 1; i < stem.Length; i++)
            if (IsConsonant(stem, i) && !IsConsonant(stem, i - 1)) measure++;
        return measure;
    }

    static bool HasVowel(ReadOnlySpan<char> stem)
    {
        for (var i = 0; i < stem.Length; i++)
            if (!IsConsonant(stem, i)) return true;
        return false;
    }

    static bool EndsInDouble(ReadOnlySpan<char> word) => word.Length > 1 && word[^1] == word[^2] && IsConsonant(word, word.Length - 1);

    // *o: consonant, vowel, consonant that is not w, x or y. Extended: vowel and consonant alone too.
    static bool EndsShort(ReadOnlySpan<char> word, bool extended) => word.Length > 2
        ? IsConsonant(word, word.Length - 3) && !IsConsonant(word, word.Length - 2) && IsConsonant(word, word.Length - 1) && word[^1] is not ('w' or 'x' or 'y')
        : extended && word.Length == 2 && !IsConsonant(word, 0) && IsConsonant(word, 1);
}
