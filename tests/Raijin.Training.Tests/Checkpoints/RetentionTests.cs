using CsCheck;

namespace Raijin.Training.Tests.Checkpoints;

public sealed class RetentionTests
{
    static readonly Gen<CheckpointInfo[]> Runs =
        Gen.Select(Gen.Int[0, 6], Gen.Int[0, 6].Select(i => new[] { double.NaN, double.PositiveInfinity, double.NegativeInfinity, 0, 1, 2, 3 }[i]), Gen.Bool).Array[0, 12].Select(items => items
            .Select((item, index) => Info($"c{index}", item.Item1, item.Item3 ? item.Item2 : null)).ToArray());

    static readonly Gen<Retention> Rules = Gen.Select(Gen.Bool, Gen.Bool, Gen.Int[0, 5], Gen.Int[1, 5]).Select((ranked, up, best, last) =>
        new Retention(ranked ? up ? Best.Max("score") : Best.Min("score") : null, best, last));

    [Fact]
    public void The_newest_always_stays() => Gen.Select(Rules, Runs).Sample((rule, all) =>
        all.Length == 0 || rule.Select(all).Contains(all.MaxBy(c => (c.Sequence, c.Step, c.Name))));

    [Fact]
    public void No_more_stay_than_asked_for_and_none_is_invented() => Gen.Select(Rules, Runs).Sample((rule, all) =>
    {
        var kept = rule.Select(all);
        return kept.Count <= rule.KeepLast + rule.KeepBest && kept.Count >= Math.Min(all.Length, rule.KeepLast) && kept.All(all.Contains) && kept.Distinct().Count() == kept.Count;
    });

    [Fact]
    public void Nothing_that_goes_beats_one_that_stays_for_its_rank() => Gen.Select(Rules.Where(r => r.Rank is not null), Runs).Sample((rule, all) =>
    {
        var kept = rule.Select(all);
        var ranked = kept.Where(c => c.Metrics.TryGetValue("score", out var score) && !double.IsNaN(score)).ToArray();
        // If a ranked one goes, at least KeepBest that are no worse stay.
        return all.Except(kept).Where(c => c.Metrics.TryGetValue("score", out var score) && !double.IsNaN(score))
            .All(gone => ranked.Count(stays => !rule.Rank!.IsBetter(gone.Metrics["score"], stays.Metrics["score"])) >= rule.KeepBest);
    });

    [Fact]
    public void Applying_it_again_changes_nothing() => Gen.Select(Rules, Runs).Sample((rule, all) =>
    {
        var once = rule.Select(all);
        return rule.Select(once).SequenceEqual(once);
    });

    [Fact]
    public void The_order_of_the_list_does_not_matter() => Gen.Select(Rules, Runs, Gen.Int).Sample((rule, all, seed) =>
    {
        var shuffled = (CheckpointInfo[])all.Clone();
        new Random(seed).Shuffle(shuffled);
        return rule.Select(all).ToHashSet().SetEquals(rule.Select(shuffled));
    });

    [Fact]
    public void The_best_by_the_metric_stay_and_the_later_of_equals_wins()
    {
        CheckpointInfo[] all = [Info("a", 1, 0.9), Info("b", 2, 0.9), Info("c", 3, 0.5), Info("d", 4, 0.1), Info("e", 5, null)];
        Assert.Equal(["b", "e"], new Retention(Best.Max("score"), 1, 1).Select(all).Select(c => c.Name));
        Assert.Equal(["c", "d", "e"], new Retention(Best.Min("score"), 2, 1).Select(all).Select(c => c.Name));
        Assert.Equal(["d", "e"], new Retention(null, 3, 2).Select(all).Select(c => c.Name));
    }

    [Fact]
    public void One_named_last_is_never_removed()
    {
        CheckpointInfo[] all = [Info("last", 1, null), Info("b", 2, null), Info("c", 3, null)];
        Assert.Equal(["last", "c"], new Retention(null, 0, 1).Select(all).Select(c => c.Name));
    }

    [Fact]
    public void A_rule_that_would_remove_the_newest_cannot_be_made()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Retention(null, 1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Retention(null, -1, 1));
    }

    static CheckpointInfo Info(string name, long step, double? score) =>
        new(name, "/runs/" + name, step, score, score is { } value ? new Dictionary<string, double> { ["score"] = value } : [], DateTimeOffset.UnixEpoch, 1);
}
