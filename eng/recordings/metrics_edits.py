"""Records edit distances and rates of texts, as JSON.

    python3 eng/recordings/metrics_edits.py tests/Raijin.Metrics.Tests/Text/Recordings/edits.json

Needs nltk 3.8, and sacreBLEU 2 and torchmetrics from their public sources on PYTHONPATH (with PyTorch, here 1.13). The rates of Morris et al. 2004 come
from a plain dynamic programme below, as torchmetrics defines the hits otherwise.
"""
import json
import random
import sys
import unicodedata

from nltk.metrics.distance import edit_distance
from sacrebleu.metrics import TER
from torchmetrics.functional import text as T

random.seed(5)
WORDS = "the a cat dog sat on mat is there and of big red house not in to it was he she they we you go went".split()


def sentence(n):
    return [random.choice(WORDS) for _ in range(n)]


def garbled(words, edits, shifts):
    words = list(words)
    for _ in range(edits):
        at = random.randrange(len(words) + 1)
        kind = random.randrange(3)
        if kind == 0:
            words.insert(at, random.choice(WORDS))
        elif words and kind == 1:
            words.pop(at % len(words))
        elif words:
            words[at % len(words)] = random.choice(WORDS)
    for _ in range(shifts):
        if len(words) < 3:
            continue
        start = random.randrange(len(words) - 1)
        run = words[start:start + random.randint(1, 12)]
        del words[start:start + len(run)]
        at = random.randrange(len(words) + 1)
        words[at:at] = run
    return words


def morris(pairs):
    """Errors, hits, words of the predictions and of the references: of the alignments with the fewest errors that with the fewest substitutions."""
    total = [0, 0, 0, 0]
    for p, r in pairs:
        p, r = p.split(), r.split()
        best = {(0, 0): (0, 0)}
        for i in range(len(p) + 1):
            for j in range(len(r) + 1):
                ways = []
                if i:
                    e, s = best[i - 1, j]
                    ways.append((e + 1, s))
                if j:
                    e, s = best[i, j - 1]
                    ways.append((e + 1, s))
                if i and j:
                    e, s = best[i - 1, j - 1]
                    ways.append((e, s) if p[i - 1] == r[j - 1] else (e + 1, s + 1))
                if ways:
                    best[i, j] = min(ways)
        e, s = best[len(p), len(r)]
        total = [a + b for a, b in zip(total, (e, (len(p) + len(r) - e - s) // 2, len(p), len(r)))]
    return total


pairs = []
for n in (1, 2, 3, 5, 8, 8, 13, 13, 20, 30, 70, 100, 150):
    reference = sentence(n)
    pairs.append((" ".join(garbled(reference, 1 + n // 4, 1 + n // 15)), " ".join(reference)))
pairs += [("", "a cat"), ("a cat", ""), ("the  cat\t sat", "the cat sat"), ("naïve café 😀 ok", "naive cafe 😀😀 OK"), ("x", "y")]
predictions, references = map(list, zip(*pairs))
errors, hits, p, r = morris(pairs)
documented = (["this is the prediction", "there is an other sample"], ["this is the reference", "there is another one"])
rates = {
    "predictions": predictions, "references": references,
    "wer": float(T.word_error_rate(predictions, references)), "cer": float(T.char_error_rate(predictions, references)),
    "counts": [errors, hits, p, r], "mer": errors / (hits + errors), "wip": hits / r * hits / p,
    "documented": {"predictions": documented[0], "references": documented[1], "wer": float(T.word_error_rate(*documented)), "cer": float(T.char_error_rate(*documented)),
                   "mer": float(T.match_error_rate(*documented)), "wip": float(T.word_information_preserved(*documented)), "wil": float(T.word_information_lost(*documented))},
    "distances": [{"cost": c, "each": [edit_distance(a, b, substitution_cost=c) for a, b in pairs if len(a) < 200]} for c in (0, 1, 2, 3)],
    "short": [i for i, (a, b) in enumerate(pairs) if len(a) < 200],
}

corpus = []
for k in range(40):
    reference = sentence(random.randint(2, 35))
    others = [" ".join(garbled(reference, random.randint(0, 4), random.randint(0, 2))) for _ in range(2)]
    corpus.append((" ".join(garbled(reference, random.randint(0, 5), random.randint(0, 4))), others))
for n in (60, 110):     # a long prediction of a short reference, and shifts further than tercom looks
    reference = sentence(n)
    moved = reference[n // 2:] + reference[:n // 2]
    corpus.append((" ".join(moved), [" ".join(reference), " ".join(reference[:20])]))
corpus += [("", ["a cat", "cat"]), ("a cat", ["", ""]), ("", ["", ""]), ("go go go go go go go", ["go it", "it it"])]
signs = [
    ("Hello, World! It's 3.5-4 o'clock (\"now\").", ["hello , world ! It 's 3.5 - 4 o'clock", "Hello world. It's 3,5 -4 (now)"]),
    ("A&amp;B &lt;tag&gt; x/y [z] {w} `q` 1-2 end.\n", ["A & B <tag> x / y [ z ] { w }", "a&b <TAG> x/y"]),
    ("line one\n-joined and\nnext: 10,000.50; $5", ["line onejoined and next : 10,000.50 ; $ 5", "line"]),
    ("我喜欢猫。你呢？", ["我 喜欢 狗 。 你 呢 ？", "他喜欢猫、你呢"]),
    ("ひらがな と カタカナ・漢字！ ｱ｡", ["ひらがなとカタカナ ・ 漢字 ！", "漢字㍍㈱ 豈"]),
    ("émigré Ünïcode 😀. 😀,a ,😀", ["emigre ünïcode 😀 . 😀 , a", "x"]),
]
options = [(n, p, c, a) for n in (False, True) for p in (False, True) for c in (True, False) for a in (False, True)]


def ter(cases, normalized, no_punct, lowercase, asian):
    metric = TER(normalized=normalized, no_punct=no_punct, case_sensitive=not lowercase, asian_support=asian)
    hypotheses = [h for h, _ in cases]
    streams = [[rs[i] for _, rs in cases] for i in range(2)]
    return {"options": [normalized, no_punct, lowercase, asian], "corpus": metric.corpus_score(hypotheses, streams).score / 100,
            "each": [metric.sentence_score(h, rs).score / 100 for h, rs in cases]}


translation = {
    "words": {"predictions": [h for h, _ in corpus], "references": [rs for _, rs in corpus], "runs": [ter(corpus, False, False, True, False)]},
    "signs": {"predictions": [h for h, _ in signs], "references": [rs for _, rs in signs], "runs": [ter(signs, *o) for o in options]},
}

english = [(h, rs) for h, rs in corpus[:12]] + signs + [
    ("Mr . Smith and Dr. Who paid 0.5 or 1 , 2 , 3 e.g. i.e. U.S. dollars!", ["Mr. Smith and Dr Who paid 0,5 or 1,2,3 e. g. dollars ?", "Prof 😀 said"]),
    ("", ["a cat", "x"]), ("a", ["a cat sat on the mat", "b"]), ("the cat the cat the cat", ["cat the", "the dog"]),
]
japanese = [("ｶﾀｶﾅとＡＢＣ １２", ["カタカナと ABC 12", "カナ"]), ("私は猫が好き です。", ["猫が 私は好きです。", "犬"]), ("", ["猫", "犬"]), ("ｶﾞﾊﾟヷゔは゜￥～｡ｳﾞ", ["ガパヷう゛ば￥~。ヴ", "か\u3099ワ\u3099ハ\u309aゝ\u3099ン\u3099"])]


def eed(cases, language, **costs):
    mean, each = T.extended_edit_distance([h for h, _ in cases], [rs for _, rs in cases], language=language, return_sentence_level_score=True, **costs)
    return {"language": language, "costs": list(costs.values()), "predictions": [h for h, _ in cases], "references": [rs for _, rs in cases], "mean": float(mean), "each": each.tolist()}


extended = [eed(english, "en", alpha=2.0, rho=0.3, deletion=0.2, insertion=1.0), eed(english, "en", alpha=0.5, rho=0.1, deletion=0.7, insertion=0.4),
            eed(japanese, "ja", alpha=2.0, rho=0.3, deletion=0.2, insertion=1.0)]

widths = [chr(c) for c in (*range(0x3000, 0x3100), *range(0xFF01, 0xFFA0), *range(0xFFE0, 0xFFE7)) if c not in (0x3036, 0x3038, 0x3039, 0x303A, 0x309F, 0x30FF)]
widths += [w + v for w in widths if "\u3040" <= w < "\u3100" for v in "\u3099\u309a"]

answers = {
    "1": ("The  Cat!", ["cat", "a dog"]), "2": ("nineteen 1976 years", ["1976", "the year 1976"]), "3": ("", [""]), "4": ("the", ["", "x"]), "5": ("word word other", ["word other other"]),
    "6": (None, ["gone"]), "7": ("Ünïcode “the” thesis' a_b", ["unicode thesis", "ünïcode “ ” thesis ab"]), "8": ("a", ["b c"]),
}
given = [{"prediction_text": g, "id": i} for i, (g, _) in answers.items() if g is not None]
right = [{"answers": {"answer_start": [0] * len(a), "text": a}, "id": i} for i, (_, a) in answers.items()]
squad = {"predictions": {g["id"]: g["prediction_text"] for g in given}, "answers": {i: a for i, (_, a) in answers.items()},
         **{k: float(v) for k, v in T.squad(given, right).items()}}

with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump({"rates": rates, "ter": translation, "eed": extended, "squad": squad, "widths": [widths, [unicodedata.normalize("NFKC", w) for w in widths]]}, file, ensure_ascii=False, separators=(",", ":"))
    file.write("\n")
