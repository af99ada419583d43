using Raijin.Testing;

namespace Raijin.Training.Tests.Tuning;

public sealed class TunerTests : IDisposable
{
    static readonly SearchSpace Space = new() { ["x"] = SearchRange.Uniform(-1, 1), ["n"] = SearchRange.Whole(1, 3), ["kind"] = SearchRange.Choice("a", "b") };

    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_same_seed_gives_the_same_trials_and_another_seed_others()
    {
        string Run(long seed) => string.Join('\n', Tuner.Search(Space, new() { Trials = 25, Seed = seed }, Score).Trials.Select(Line));
        Assert.Equal(Run(3), Run(3));
        Assert.NotEqual(Run(3), Run(4));
    }

    [Fact]
    public void A_grid_tries_every_combination_once_and_ends()
    {
        var result = Tuner.Search(new() { ["n"] = SearchRange.Whole(1, 3), ["kind"] = SearchRange.Choice("a", "b"), ["x"] = SearchRange.Uniform(0, 1) }, new() { Trials = 100, Sampler = TrialSampler.Grid(points: 3) }, _ => 0);
        Assert.Equal(3 * 2 * 3, result.Trials.Count);
        Assert.Equal(18, result.Trials.Select(Line).Distinct().Count());
        Assert.Equal(["0", "0.5", "1"], result.Trials.Select(outcome => outcome.Trial.Text("x")).Distinct().Order());
    }

    [Fact]
    public void A_failed_trial_does_not_end_the_search_and_is_never_the_best()
    {
        var result = Tuner.Search(Space, new() { Trials = 12, Sampler = TrialSampler.Random }, run => run.Trial.Number % 3 == 0 ? throw new InvalidOperationException("out of memory") : run.Trial.Number % 3 == 1 ? double.NaN : Score(run));
        Assert.Equal(4, result.Trials.Count(outcome => outcome is { State: TrialState.Failed, Score: null, Problem: "out of memory" }));
        Assert.Equal(2, result.Best!.Trial.Number % 3);
    }

    [Fact]
    public void The_best_is_the_largest_where_that_is_better()
    {
        var options = new StudyOptions { Trials = 30, HigherIsBetter = true };
        var result = Tuner.Search(Space, options, run => -Score(run));
        Assert.Equal(result.Trials.Max(outcome => outcome.Score), result.Best!.Score);
        Assert.InRange(result.Best.Score!.Value, -0.4, 0); // the right n and kind: each wrong one costs 0.5
    }

    [Fact]
    public void Bad_trials_stop_at_a_rung_and_say_so()
    {
        var options = new StudyOptions { Trials = 27, Sampler = TrialSampler.Random, Stopping = StoppingRule.Halving(first: 1, factor: 3) };
        var result = Tuner.Search(Space, options, run =>
        {
            for (var epoch = 0; epoch < 9; epoch++) if (run.Report(Score(run) + 1.0 / (epoch + 1))) break;
            return run.Reports[^1];
        });
        Assert.All(result.Trials, outcome => Assert.Equal(outcome.State == TrialState.Stopped, outcome.Reports.Count is 1 or 3 || (outcome.Reports.Count == 9 && outcome.State == TrialState.Stopped)));
        Assert.InRange(result.Trials.Sum(outcome => outcome.Reports.Count), 27, 27 * 9 / 2);
    }

    [Fact]
    public void A_search_that_was_killed_goes_on_with_the_same_trials()
    {
        var options = new StudyOptions { Trials = 20, Seed = 7, Stopping = StoppingRule.Median() };
        double Reporting(TrialRun run)
        {
            for (var i = 3; i >= 0 && !run.Report(Score(run) + i); i--) { }
            return run.Reports.Min();
        }
        var whole = Tuner.Search(Space, options, Reporting).Trials.Select(Line).ToList();

        // Killed in the middle of trial 13, with half a line written.
        var journal = _folder["trials.jsonl"];
        using (var study = new Study(Space, options with { Journal = journal }))
        {
            for (var i = 0; i < 13; i++)
            {
                var trial = study.Next()!;
                var reports = new List<double>();
                var stopped = false;
                for (var k = 3; k >= 0 && !stopped; k--)
                {
                    reports.Add(ScoreOf(trial) + k);
                    stopped = study.Report(trial, reports[^1]);
                }
                study.End(new(trial, stopped ? TrialState.Stopped : TrialState.Done, reports.Min(), reports));
            }
            Assert.Equal(13, study.Next()!.Number);
        }
        File.AppendAllText(journal, "{\"end\":13,\"val");

        var resumed = Tuner.Search(Space, options with { Journal = journal }, Reporting);
        Assert.Equal(whole, resumed.Trials.Select(Line));
        Assert.Equal(0, Tuner.Search(Space, options with { Journal = journal }, _ => throw new InvalidOperationException()).Trials.Count(outcome => outcome.State == TrialState.Failed));
    }

    [Fact]
    public void A_journal_of_another_search_is_refused()
    {
        var options = new StudyOptions { Trials = 2, Journal = _folder["trials.jsonl"] };
        Tuner.Search(Space, options, Score);
        Assert.Contains("go on with the same ranges", Assert.Throws<InvalidOptionsException>(() => Tuner.Search(Space, options with { Seed = 1 }, Score)).Message, StringComparison.Ordinal);
        File.WriteAllText(_folder["trials.jsonl"], "step,loss\n1,2\n");
        Assert.Contains("is no journal of a search", Assert.Throws<InvalidOptionsException>(() => Tuner.Search(Space, options, Score)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_space_and_no_trials_are_refused_together() =>
        Assert.Equal(["search", "trials"], Assert.Throws<InvalidOptionsException>(() => Tuner.Search(new SearchSpace(), new() { Trials = 0 }, Score)).Faults.Select(fault => fault.Key));

    static double Score(TrialRun run) => ScoreOf(run.Trial);

    static double ScoreOf(Trial trial) => Math.Abs(trial.Double("x") - 0.3) + (trial.Int("n") == 2 ? 0 : 0.5) + (trial.Text("kind") == "b" ? 0 : 0.5);

    static string Line(TrialOutcome outcome) => $"{outcome.Trial.Number} {outcome.State} {outcome.Score} {string.Join(' ', outcome.Trial.Values)} {string.Join(' ', outcome.Reports)}";
}
