using Raijin.Testing;

namespace Raijin.Training.Tests.Tuning;

/// <summary>What docs/guides/tuning.md shows.</summary>
public sealed class TuningGuide
{
    [Fact]
    public void A_search_around_a_function_finds_its_peak()
    {
        using var folder = new TemporaryFolder();
        Assert.InRange(Search(folder["trials.jsonl"]).Score!.Value, 0.9, 1);
    }

    static TrialOutcome Search(string journal)
    {
        // snippet: search
        var space = new SearchSpace
        {
            ["learningRate"] = SearchRange.Log(1e-4, 1e-1),
            ["hidden"] = SearchRange.Choice("32", "64", "128"),
        };
        var options = new StudyOptions { Trials = 30, HigherIsBetter = true, Stopping = StoppingRule.Halving(), Journal = journal };

        var result = Tuner.Search(space, options, run =>
        {
            var accuracy = 0.0;
            for (var epoch = 0; epoch < 9; epoch++)
            {
                accuracy = TrainEpoch(run.Trial.Double("learningRate"), run.Trial.Int("hidden"));
                if (run.Report(accuracy)) break;
            }
            return accuracy;
        });
        return result.Best!;
        // end snippet
    }

    static double TrainEpoch(double learningRate, int hidden) => 1 - 0.2 * Math.Abs(Math.Log10(learningRate) + 2) - (hidden == 64 ? 0 : 0.05);
}
