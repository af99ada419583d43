using System.Diagnostics;
using Raijin.Testing;

namespace Raijin.DeepSpeed.Tests;

public sealed class FuzzTests
{
    const int Mutants = 100_000;

    static readonly string[] Pieces =
    [
        "{", "}", "[", "]", ",", ":", "\"", "'", "'''", "#", "//", "/*", "*/", "null", "true", "-1", "0", "1e999", "-1e-999", "99999999999999999999999", "0.5", "\"auto\"", "{{x}}", "${x}", "<x>",
        "\\u12", "\uFEFF", "\0", "\n", "é", "\"stage\": 3", "\"stage\": \"3\"", "zero_optimization: true", "\"fp16\": {\"enabled\": true}, \"bf16\": {\"enabled\": true}", "\"train_batch_size\": 9223372036854775807",
        "\"elasticity\": {\"enabled\": true, \"micro_batch_sizes\": [1, 2147483647]}", "\"params\": {\"betas\": [1]}", "\"warmup_num_steps\": 0", "[[[[[[[[", "{\"a\":{\"b\":{\"c\":",
    ];

    static IReadOnlyList<string> Seeds()
    {
        var folder = Path.Combine(SharedData.Repository, "..", "shared", "data", "ds-configs", "configs");
        return Directory.Exists(folder) ? [.. Samples.All, .. Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).Select(File.ReadAllText)] : Samples.All;
    }

    [Fact]
    public void Whatever_becomes_of_a_file_it_is_a_plan_or_faults_with_their_places()
    {
        var random = new Random(7);
        var seeds = Seeds();
        var (plans, refusals) = (0, 0);
        var (slowest, slowestText, number, all) = (TimeSpan.Zero, "", 0, Stopwatch.StartNew());
        for (var i = 0; i < Mutants; i++)
        {
            var text = Mutate(seeds[random.Next(seeds.Count)], seeds, random);
            var begun = Stopwatch.GetTimestamp();
            var config = DeepSpeedConfig.Parse(text, "fuzz", out var errors);
            Assert.True(config is not null || errors.Count > 0);
            if (config is not null)
            {
                var run = config.Resolve(1 << random.Next(5), null, out errors);
                if (errors.Count == 0)
                {
                    Assert.Equal(run.TrainBatchSize, run.MicroBatchSize * run.GradientAccumulation * run.Ranks);
                    Assert.Empty(run.Strategy.Faults(run.Ranks));
                    Assert.Empty(run.LossScale?.Validate("") ?? []);
                }
            }
            // Whatever else the machine does is not its time: the shortest of three.
            var took = Stopwatch.GetElapsedTime(begun);
            for (var again = 0; again < 2 && took > slowest; again++) took = TimeSpan.FromTicks(Math.Min(took.Ticks, Time(text).Ticks));
            if (took > slowest) (slowest, slowestText, number) = (took, text, i);
            if (errors.Count == 0) plans++;
            else refusals++;
            Assert.All(errors, error => Assert.True(error.Message.Length is > 0 and < 700, error.Message));
        }
        var mean = all.Elapsed.TotalMilliseconds / Mutants;
        // In the end all of it is compiled with optimization: what is left is the text's own.
        TestContext.Current.TestOutputHelper?.WriteLine(FormattableString.Invariant(
            $"{plans} plans, {refusals} refusals; {mean:F3} ms each, slowest {slowest.TotalMilliseconds:F2} ms, number {number}, which takes {Time(slowestText).TotalMilliseconds:F2} ms in the end: {slowestText.ReplaceLineEndings(" ")[..Math.Min(60, slowestText.Length)]}"));
        Assert.True(plans > Mutants / 100 && refusals > Mutants / 100, $"{plans} plans, {refusals} refusals: the mutants are all alike");
    }

    static TimeSpan Time(string text)
    {
        var begun = Stopwatch.GetTimestamp();
        DeepSpeedConfig.Parse(text, "fuzz", out _)?.Resolve(2, null, out _);
        return Stopwatch.GetElapsedTime(begun);
    }

    static string Mutate(string text, IReadOnlyList<string> seeds, Random random)
    {
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var at = random.Next(text.Length + 1);
            var length = Math.Min(random.Next(1, 40), text.Length - at);
            text = random.Next(6) switch
            {
                0 => text.Remove(at, length),
                1 => text.Insert(at, Pieces[random.Next(Pieces.Length)]),
                2 => string.Concat(text.AsSpan(0, at), Pieces[random.Next(Pieces.Length)], text.AsSpan(at + length)),
                3 => text.Insert(random.Next(text.Length + 1), text.Substring(at, length)),
                4 => text.Insert(at, ((char)random.Next(1, 0x300)).ToString()),
                _ => seeds[random.Next(seeds.Count)] is var other && random.Next(other.Length) is var from ? string.Concat(text.AsSpan(0, at), other.AsSpan(from, Math.Min(60, other.Length - from)), text.AsSpan(at)) : text,
            };
        }
        return text;
    }
}
