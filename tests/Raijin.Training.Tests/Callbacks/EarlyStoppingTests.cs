using System.Text.Json.Nodes;
using CsCheck;

namespace Raijin.Training.Tests.Callbacks;

public sealed class EarlyStoppingTests
{
    static EarlyStopping Min(int patience = 3) => new("val/loss", patience);

    public static TheoryData<string, EarlyStopping, double[], int, string?> Cases => new()
    {
        { "improves all along", Min(1), [3, 2, 1, 0.5], -1, null },
        { "patience runs out", Min(2), [3, 2, 2.5, 2.1], 3, "val/loss has not improved on 2 for 2 checks" },
        { "a gain resets the count", Min(2), [3, 4, 2, 4, 4], 4, "2 checks" },
        { "equal is no gain", Min(2), [1, 1, 1], 2, "has not improved on 1" },
        { "a gain below the delta is none", new EarlyStopping("val/loss", 2) { MinDelta = 0.1 }, [1, 0.95, 0.91], 2, "has not improved on 1" },
        { "a gain above the delta is one", new EarlyStopping("val/loss", 2) { MinDelta = 0.1 }, [1, 0.89, 0.7, 0.55], -1, null },
        { "larger is better", new EarlyStopping(Best.Max("val/accuracy"), 2), [0.5, 0.6, 0.6, 0.55], 3, "val/accuracy has not improved on 0.6" },
        { "not a number", Min(), [1, double.NaN], 1, "val/loss = NaN is not finite" },
        { "infinite", Min(), [double.PositiveInfinity], 0, "val/loss = Infinity is not finite" },
        { "not a number, tolerated, is no gain", new EarlyStopping("val/loss", 2) { CheckFinite = false }, [1, double.NaN, double.NaN], 2, "has not improved on 1" },
        { "nothing but NaN", new EarlyStopping("val/loss", 2) { CheckFinite = false }, [double.NaN, double.NaN], 1, "val/loss was NaN for 2 checks" },
        { "anything beats NaN", new EarlyStopping("val/loss", 2) { CheckFinite = false }, [double.NaN, 5, double.NaN, 4], -1, null },
        { "good enough", new EarlyStopping("val/loss") { StoppingThreshold = 0.1 }, [1, 0.2, 0.1], 2, "val/loss = 0.1 reached 0.1" },
        { "good enough, larger is better", new EarlyStopping(Best.Max("val/accuracy")) { StoppingThreshold = 0.97 }, [0.5, 0.98], 1, "val/accuracy = 0.98 reached 0.97" },
        { "diverges", new EarlyStopping("val/loss") { DivergenceThreshold = 10 }, [1, 10, 10.5], 2, "val/loss = 10.5 is worse than 10" },
        { "diverges, larger is better", new EarlyStopping(Best.Max("val/accuracy")) { DivergenceThreshold = 0.1 }, [0.5, 0.05], 1, "worse than 0.1" },
    };

    [Theory, MemberData(nameof(Cases))]
    public void Stops_at_the_right_check_and_says_why(string name, EarlyStopping stopping, double[] values, int stopsAt, string? reason)
    {
        for (var i = 0; i < values.Length; i++)
        {
            var verdict = stopping.Judge(values[i]);
            Assert.True((verdict is not null) == (i == stopsAt), $"{name}: check {i} ({values[i]}) gave {verdict ?? "no stop"}");
            if (verdict is null) continue;
            Assert.Contains(reason!, verdict, StringComparison.Ordinal);
            return;
        }
        Assert.Equal(-1, stopsAt);
    }

    /// <summary>Saving and loading between any two checks changes nothing, whatever the values.</summary>
    [Fact]
    public void A_resumed_rule_judges_as_the_uninterrupted_one() =>
        Gen.Select(Gen.OneOf(Gen.Double[-1, 1], Gen.OneOf(double.NaN, double.PositiveInfinity, double.NegativeInfinity)).Array[1, 20], Gen.Int[0, 19], Gen.Int[1, 4]).Sample((values, cut, patience) =>
        {
            EarlyStopping Make() => new("val/loss", patience) { CheckFinite = false };
            var straight = Make();
            var part = Make();
            for (var i = 0; i < values.Length; i++)
            {
                if (i == cut)
                {
                    var saved = JsonNode.Parse(part.SaveState().ToJsonString())!.AsObject();
                    part = Make();
                    part.LoadState(saved);
                }
                Assert.Equal(straight.Judge(values[i]), part.Judge(values[i]));
            }
        });

    [Fact]
    public void A_fit_stops_after_the_validation_that_was_one_too_many()
    {
        using var run = new ScriptedRun([0.5, 0.4, 0.6, 0.7, 0.1]);
        var result = run.Fit(new EarlyStopping("val/score", patience: 2));
        Assert.Equal(4, result.Epochs);
        Assert.Equal("val/score has not improved on 0.4 for 2 checks", result.StopReason);
    }

    [Fact]
    public void A_metric_of_the_training_is_looked_at_once_an_epoch_not_at_each_validation()
    {
        // Two validations an epoch: were the stale training value looked at there, patience would run out within the second epoch.
        using var run = new ScriptedRun([0, 0, 0, 0, 0, 0, 0, 0]) { TrainScores = [0.5, 0.4, 0.3, 0.2], Options = o => o with { Validate = Every.Steps(2), MaxEpochs = 4 } };
        var result = run.Fit(new EarlyStopping("train/score", patience: 1));
        Assert.Equal("maxEpochs = 4 reached", result.StopReason);
    }

    [Fact]
    public void The_sanity_validation_is_not_judged()
    {
        using var run = new ScriptedRun([9, 0.5, 0.4]) { Options = o => o with { SanityValidationBatches = 1, MaxEpochs = 2 } };
        var result = run.Fit(new EarlyStopping("val/score", patience: 1) { DivergenceThreshold = 5 });
        Assert.Equal("maxEpochs = 2 reached", result.StopReason);
    }

    [Fact]
    public void A_metric_nobody_logs_is_an_error_that_lists_those_there_are()
    {
        using var run = new ScriptedRun([0.5, 0.4]);
        var error = Assert.Throws<InvalidOptionsException>(() => run.Fit(new EarlyStopping("val/scroe")));
        Assert.Contains("= val/scroe, which nothing logs; logged so far: train/score, val/score", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_validation_metric_is_waited_for_where_validation_is_rarer_than_epochs()
    {
        using var run = new ScriptedRun([0.5, 0.4]) { Options = o => o with { Validate = Every.Epochs(2), MaxEpochs = 4 } };
        Assert.Equal("maxEpochs = 4 reached", run.Fit(new EarlyStopping("val/score")).StopReason);
    }

    [Fact]
    public void What_had_decided_to_stop_stops_again_at_once_but_not_under_another_rule()
    {
        EarlyStopping Resumed(int patience)
        {
            var before = new EarlyStopping("val/score", patience: 1);
            using (var run = new ScriptedRun([0.5, 0.6])) run.Fit(before);
            var after = new EarlyStopping("val/score", patience);
            after.LoadState(JsonNode.Parse(before.SaveState().ToJsonString())!.AsObject());
            return after;
        }

        using var same = new ScriptedRun([0.7]);
        Assert.Equal(0, same.Fit(Resumed(patience: 1)).Steps);
        using var patient = new ScriptedRun([0.4]) { Options = o => o with { MaxEpochs = 1 } };
        Assert.Equal("maxEpochs = 1 reached", patient.Fit(Resumed(patience: 5)).StopReason);
    }

    [Fact]
    public void Two_rules_on_different_metrics_keep_their_states_apart() =>
        Assert.NotEqual(new EarlyStopping("val/loss").StateKey, new EarlyStopping(Best.Max("val/accuracy")).StateKey);
}
