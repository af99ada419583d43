"""Records metrics of text by n-grams: nltk 3.8 (BLEU and its smoothings, chrF, Porter's stemmer), torchmetrics (BLEU, SacreBLEU's tokenizers, chrF, ROUGE,
perplexity), and sacreBLEU's chrF by its formula in float64.

    python3 eng/recordings/metrics_text.py tests/Raijin.Metrics.Tests/Text/Recordings

Needs nltk, regex and PyTorch, and torchmetrics from its public source on PYTHONPATH. torchmetrics splits sentences for ROUGE-Lsum with a trained model
of nltk's; here a sentence is a line, as in rouge_score.
"""
import json
import pydoc_data.topics
import random
import re
import sys
import warnings
from collections import Counter
from pathlib import Path

import torch

torch.set_default_dtype(torch.float64)
warnings.simplefilter("ignore")

from nltk.stem.porter import PorterStemmer
from nltk.translate.bleu_score import SmoothingFunction, corpus_bleu, sentence_bleu
from nltk.translate.chrf_score import sentence_chrf
from torchmetrics.functional.text import bleu_score, chrf_score, perplexity, rouge_score
from torchmetrics.functional.text import rouge as rouge_module
from torchmetrics.functional.text.sacre_bleu import _SacreBLEUTokenizer, sacre_bleu_score

rouge_module._split_sentence = lambda text: text.split("\n")
folder = Path(sys.argv[1])
random.seed(5)

# Each prediction has words in common with its references, and all have at least four.
pairs = [
    ("the cat is on the mat", ["there is a cat on the mat", "a cat is on the mat"]),
    ("It is a guide to action which ensures that the military always obeys the commands of the party",
     ["It is a guide to action that ensures that the military will forever heed Party commands",
      "It is the guiding principle which guarantees the military forces always being under the command of the Party",
      "It is the practical guide for the army always to heed the directions of the party"]),
    ("he read the book because he was interested in world history", ["he was interested in world history because he read the book"]),
    ("the the the the the the the", ["the cat is on the mat", "there is a cat on the mat"]),
    ("Die Größe der Straße beträgt 1,000.5 m², sagt Müller.", ["Die Breite der Straße beträgt 1,000.5 m², so Müller.", "Müller sagt: die Straße ist 1,000.5 m² groß."]),
    ("Hello , World ! This is \U0001F600 a test of naïve emoji \U0001F600\U0001F601 .", ["Hello, World! This is a \U0001F600 test of naive emoji \U0001F600\U0001F601 ."]),
    ("a b a b a b a b c", ["b a b a b a d c", "a b c a b c"]),
    ("one two three four five six", ["one two three four five six"]),
    ("The quick (brown) fox -- jumps over the 'lazy' dog's back.", ["A quick, brown fox jumped over the lazy dog's back!", "The fox jumps."]),
]
short = [("the cat", ["the cat sat here"]), ("a b c", ["a b d"]), ("cat", ["the cat"]), ("the dog runs home now", ["a dog was running home"])]
words = "the of and to in a is that it was for on are with as I his they be at one have this from or had by not word but what some we can out".split()


def noisy(text):
    tokens = text.split()
    for _ in range(1 + len(tokens) // 4):
        at = random.randrange(len(tokens))
        tokens[at] = random.choice(words)
    return " ".join(tokens)


for _ in range(12):
    reference = " ".join(random.choice(words) for _ in range(random.randint(6, 25)))
    pairs.append((noisy(reference), [reference, noisy(reference)]))

predictions, references = [p for p, _ in pairs], [r for _, r in pairs]
out = {"predictions": predictions, "references": references, "short": short}

# BLEU
tokens = lambda t: t.split()
methods = SmoothingFunction()
bleu = {"sentence": {}, "corpus": {}, "torchmetrics": [], "weights": []}
smoothable = [i for i, (p, r) in enumerate(pairs) if sentence_bleu(list(map(tokens, r)), tokens(p), (0, 0, 1)) > 1e-6]
out["smoothable"] = smoothable
for k in range(8):
    method = getattr(methods, f"method{k}")
    chosen = [pairs[i] for i in smoothable] + ([] if k == 6 else short[:2] + short[3:])
    bleu["sentence"][str(k)] = [sentence_bleu(list(map(tokens, r)), tokens(p), smoothing_function=method) for p, r in chosen]
    if k < 5:
        bleu["corpus"][str(k)] = corpus_bleu([list(map(tokens, r)) for r in references], list(map(tokens, predictions)), smoothing_function=method)
for weights in [(1.0,), (0.5, 0.5), (0.1, 0.3, 0.5, 0.1), (0.2,) * 5, (0, 1)]:
    bleu["weights"].append({"weights": weights, "score": corpus_bleu([list(map(tokens, r)) for r in references], list(map(tokens, predictions)), weights)})
bleu["reweighted"] = [sentence_bleu(list(map(tokens, r)), tokens(p), smoothing_function=methods.method1, auto_reweigh=True) for p, r in short[:3]]
for n_gram in (1, 2, 3, 4):
    for smooth in (False, True):
        bleu["torchmetrics"].append({"n": n_gram, "smooth": smooth, "score": bleu_score(predictions, references, n_gram, smooth).item()})
out["bleu"] = bleu

# SacreBLEU
tricky = [
    "Hello, World! It's 1,000.5 (or 3.14) -- isn't it?", "\"Quoted\" &amp; &quot;escaped&quot; &lt;b&gt; &amp;lt; text", "A hyphen-\nated line\nand 10-20, 5-a a-5 -7",
    "...,,. .5 5. a.b a,b 1.a a.1 ,,, 1,2,3 1..2", "<skipped> end <skipped>", "tab\tand\u00a0nbsp\u3000wide\x1csep", "Größe: 5 €, naïve “quotes” — dash… ½ ² №5 ٣,٤ a·b",
    "我们在2019年1月1日去了北京。Hello,世界!", "\U00020000\U0001F600漢字カタカナ한국어 ㍿ ＡＢＣ１２３ ｶﾅ", "", "   ", ".", "a", "-", "1-", "-1", ".,", "$5.00 + 3% = {x}~[y]^`z`|w\\v @me #tag *s* _u_ a/b; c:d <e>?",
    "\U0001D7D8.\U0001D7D9 \U0001F600.\U0001F600, \U0001F600!x", "İstanbul'da ΑΣ ẞ", "’s 're don’t l'été", "1.5.2019, 12:30; №.5. 5.№", "。，、「」《》 2,5 ，2", "a\u2028b\u0085c\u200bd\ufeffe", "\u2015\u2212\u2a6d\u2a6e\u3400\u9fbb\u9fbc",
]
out["tokenizers"] = {"texts": tricky}
for name in ("none", "13a", "intl", "char", "zh"):
    out["tokenizers"][name] = [_SacreBLEUTokenizer.tokenize(t, name) for t in tricky]
out["sacre"] = [
    {"tokenizer": name, "lowercase": lowercase, "score": sacre_bleu_score(predictions, references, tokenize=name, lowercase=lowercase).item()}
    for name in ("none", "13a", "intl", "char", "zh") for lowercase in (False, True)
]

# chrF
out["chrf"] = []
for options in [{}, {"n_word_order": 0}, {"n_char_order": 3, "n_word_order": 1}, {"beta": 1.0}, {"beta": 3.0, "n_word_order": 0}, {"lowercase": True}, {"whitespace": True}, {"whitespace": True, "lowercase": True, "n_char_order": 8}]:
    score, sentences = chrf_score(predictions, references, return_sentence_level_score=True, **options)
    out["chrf"].append({"characters": options.get("n_char_order", 6), "words": options.get("n_word_order", 2), "beta": options.get("beta", 2.0), "lowercase": options.get("lowercase", False),
                        "whitespace": options.get("whitespace", False), "score": score.item(), "sentences": sentences.tolist()})
out["chrf_nltk"] = [sentence_chrf(r[0], p) for p, r in pairs + short]


def effective_chrf(pairs, characters, word_order, beta, sentence_scores):
    """sacreBLEU's: precision and recall averaged over the orders both sides have, best reference by sentence."""
    def grams(text):
        units = re.sub(r"\s+", "", text)
        split = []
        for w in text.split():
            marks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
            split += [w] if len(w) == 1 else [w[:-1], w[-1]] if w[-1] in marks else [w[0], w[1:]] if w[0] in marks else [w]
        return [Counter(units[i:i + n] for i in range(len(units) - n + 1)) for n in range(1, characters + 1)] + \
               [Counter(tuple(split[i:i + n]) for i in range(len(split) - n + 1)) for n in range(1, word_order + 1)]

    def score(stats):
        orders = [(h, r, m) for h, r, m in stats if h and r]
        if not orders:
            return 0.0
        precision, recall = sum(m / h for h, _, m in orders) / len(orders), sum(m / r for _, r, m in orders) / len(orders)
        return (1 + beta ** 2) * precision * recall / (beta ** 2 * precision + recall) if precision + recall else 0.0

    total = [(0, 0, 0)] * (characters + word_order)
    for prediction, refs in pairs:
        best = None
        for reference in refs:
            h, r = grams(prediction), grams(reference)
            stats = [(sum(a.values()) if b else 0, sum(b.values()), sum((a & b).values())) for a, b in zip(h, r)]
            if best is None or score(stats) > score(best):
                best = stats
        sentence_scores.append(score(best))
        total = [tuple(x + y for x, y in zip(a, b)) for a, b in zip(total, best)]
    return score(total)


out["chrf_effective"] = []
for characters, word_order, beta in [(6, 0, 2), (6, 2, 2), (4, 1, 1)]:
    sentences = []
    score = effective_chrf(pairs + short, characters, word_order, beta, sentences)
    out["chrf_effective"].append({"characters": characters, "words": word_order, "beta": beta, "score": score, "sentences": sentences})

# ROUGE
summaries = [
    ("The quick brown foxes were jumping over lazy dogs.\nPolice killed the gunman.", ["A quick fox jumped over the laziest dog.\nThe gunman was killed by the police.", "Foxes jump."]),
    ("w1 w2 w3 w4 w5", ["w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5"]),
    ("w1 w3 w8 w9 w5\nw1 w2 w6 w7 w8", ["w1 w2 w3 w4 w5\nw1 w1 w2"]),
    ("My name is John", ["Is your name John", "John is my name", "name my is"]),
    ("Running runners ran; relational conditionals,\n\nhopefully generalizations!", ["The runner runs a relation, hopeful of general conditions.\nHe ran."]),
    ("", ["nothing here"]), ("something here", [""]), ("...", ["!!"]), ("a b c d e f g a b c d", ["a b c d a b c d\ng f e"]), ("one", ["one"]),
]
out["summaries"] = summaries
out["rouge"] = []
for stem in (False, True):
    for accumulate in ("best", "avg"):
        scores = rouge_score([p for p, _ in summaries], [r for _, r in summaries], accumulate=accumulate, use_stemmer=stem, rouge_keys=("rouge1", "rouge2", "rouge3", "rougeL", "rougeLsum"))
        out["rouge"].append({"stem": stem, "accumulate": accumulate, "scores": {k.replace("fmeasure", "f"): v.item() for k, v in scores.items()}})

# Perplexity
logits, targets = torch.randn(3, 5, 7) * 3, torch.randint(7, (3, 5))
masked = targets.clone()
masked[0, 3:] = masked[2, 0] = -100
out["perplexity"] = {"logits": logits.tolist(), "targets": targets.tolist(), "masked": masked.tolist(),
                     "score": perplexity(logits, targets).item(), "score_masked": perplexity(logits, masked, ignore_index=-100).item()}

(folder / "ngrams.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")

# Porter: the words of Python's own manual, and endings on stems of each shape.
text = " ".join(pydoc_data.topics.topics.values()).lower()
vocabulary = sorted(set(re.findall(r"[a-z]{2,}", text)))
vocabulary = random.sample(vocabulary, 1500)
endings = "s es ies ied ed ing eed y ly ational tional enci anci izer abli bli alli entli eli ousli ization ation ator alism iveness fulness ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful ness al ance ence er ic able ible ant ement ment ent sion tion ion ou ism ate iti ous ive ize e ll lle".split()
stems = "a s t tr fil hop hopp fall fizz siz conflat troubl agr rat relat vietnam geo archaeo syzyg enjoy toy happ controll oper motor sens".split()
vocabulary += [s + e for s in stems for e in endings]
vocabulary += "sky skies dying lying tying news innings inning outings outing cannings canning howe proceed exceed succeed dies died ties flies spied spy fly try feed bled sing is as be".split()
vocabulary = sorted(set(vocabulary))
original, extended = PorterStemmer(PorterStemmer.ORIGINAL_ALGORITHM), PorterStemmer()
(folder / "porter.json").write_text(json.dumps({
    "words": " ".join(vocabulary),
    "original": ",".join(original.stem(w) for w in vocabulary),
    "extended": ",".join(extended.stem(w) for w in vocabulary),
}, separators=(",", ":")) + "\n")
