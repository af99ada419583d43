using System.Globalization;
using System.Text;
using Raijin.Metrics;

namespace Raijin.Benchmarks;

/// <summary>
/// Metrics of text on sentence pairs, one thread: megabytes of predictions and references, as UTF-8, a second. Sentences are made up of words of a
/// Zipf-like frequency; with <c>--text file</c> they are that file's lines. Predictions are the references with a fifth of the words replaced.
/// <c>--rounds n</c>, <c>--pairs n</c>, <c>--text file</c>.
/// </summary>
static class TextMetricsPage
{
    public static void Run(string[] args)
    {
        var rounds = Pages.Option(args, "--rounds") ?? 9;
        var pairs = Pages.Option(args, "--pairs") ?? 10_000;
        var random = new RandomStream(1, 0);
        var references = Array.IndexOf(args, "--text") is var at and >= 0
            ? [.. File.ReadLines(args[at + 1]).Where(l => l.Count(' ') > 3).Take(pairs)]
            : MakeUp(pairs, random);
        var predictions = Disturb(references, random);
        var batch = new TextComparison(predictions, references);
        var bytes = predictions.Sum(Encoding.UTF8.GetByteCount) + references.Sum(Encoding.UTF8.GetByteCount);

        using var bleu = new Bleu();
        using var sacre = Bleu.Sacre();
        using var chrf = new Chrf();
        using var chrfPlusPlus = new Chrf(wordOrder: 2);
        using var both = new MetricCollection<TextComparison> { { "bleu", new Bleu() }, { "chrf", new Chrf() } };
        using var rouge = new Rouge([RougeKind.N(1), RougeKind.N(2), RougeKind.L], Stemming.ExtendedPorter);
        using var words = new MetricCollection<TextComparison> { { "wer", new WordErrorRate() }, { "mer", new MatchErrorRate() }, { "wip", new WordInfoPreserved() }, { "wil", new WordInfoLost() } };
        using var characters = new CharErrorRate();
        using var shifts = new TranslationEditRate();
        using var jumps = new ExtendedEditDistance();
        var times = Interleaved.Measure(
            rounds,
            new("BLEU + chrF in one collection", () => both.Update(batch)),
            new("BLEU", () => bleu.Update(batch)),
            new("BLEU, 13a tokens", () => sacre.Update(batch)),
            new("chrF", () => chrf.Update(batch)),
            new("chrF++", () => chrfPlusPlus.Update(batch)),
            new("ROUGE-1, -2, -L, stemmed", () => rouge.Update(batch)),
            new("WER, MER, WIP, WIL in one collection", () => words.Update(batch)),
            new("CER", () => characters.Update(batch)),
            new("TER", () => shifts.Update(batch)),
            new("EED", () => jumps.Update(batch)));

        var report = new Report($"Metrics of text on {references.Length.ToString("n0", CultureInfo.InvariantCulture)} sentence pairs", args);
        report.Note(string.Create(CultureInfo.InvariantCulture, $"Median of {rounds} interleaved rounds, one thread; {bytes / 1e6:F2} MB of predictions and references."));
        report.Table("Update", "metric", "time", "µs a pair", "MB/s");
        foreach (var time in times) report.Row(time.Name, Pages.Show(time), Pages.Number(time.Median / references.Length * 1e6), Pages.Number(bytes / time.Median / 1e6));
        report.Write();
    }

    static string[] MakeUp(int count, RandomStream random)
    {
        string[] syllables = ["an", "be", "ca", "der", "en", "fi", "ge", "hou", "in", "ja", "ke", "lo", "me", "ne", "on", "pa", "qui", "re", "sta", "ti", "un", "ve", "wo", "xi", "you", "ze"];
        var words = Enumerable.Range(0, 5000).Select(i => string.Concat(Enumerable.Range(0, 1 + (int)random.NextInt64(1 + i / 1250)).Select(_ => syllables[random.NextInt64(syllables.Length)]))).ToArray();
        return [.. Enumerable.Range(0, count).Select(_ => string.Join(' ', Enumerable.Range(0, 8 + (int)random.NextInt64(25)).Select(_ => words[(int)(words.Length * Math.Pow(random.NextDouble(), 3))])) + ".")];
    }

    static string[] Disturb(string[] references, RandomStream random)
    {
        var words = references.SelectMany(r => r.Split(' ')).ToArray();
        return [.. references.Select(r => string.Join(' ', r.Split(' ').Select(w => random.NextDouble() < 0.2 ? words[random.NextInt64(words.Length)] : w)))];
    }
}
