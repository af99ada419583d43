using Raijin.Metrics.Tests.States;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Wrappers;

public sealed class RunningTests : IDisposable
{
    readonly WrapperBatches _batches = new();

    [Fact]
    public void It_computes_over_the_last_updates_what_torchmetrics_does()
    {
        using var running = new Accuracy(WrapperBatches.Task).Running(3);
        var recorded = _batches.Recorded.GetProperty("running").Numbers();
        foreach (var (i, batch) in _batches.All.Index())
        {
            running.Update(batch);
            Recording.Near(recorded[i], running.Compute());
            Assert.Equal(Math.Min(i + 1, 3), running.Updates);
        }
        Assert.Equal(3, running.Window);
    }

    [Fact]
    public void A_saved_window_goes_on_as_the_uninterrupted_one_wherever_it_stood()
    {
        for (var cut = 0; cut <= _batches.All.Count; cut++)
        {
            using var running = new Accuracy(WrapperBatches.Task).Running(3);
            using var resumed = new Accuracy(WrapperBatches.Task).Running(3);
            foreach (var batch in _batches.All.Take(cut)) running.Update(batch);
            WrapperBatches.Save(running, resumed);
            foreach (var batch in _batches.All.Skip(cut))
            {
                running.Update(batch);
                resumed.Update(batch);
                Assert.Equal(running.Compute(), resumed.Compute());
            }
        }
    }

    [Fact]
    public void A_metric_that_concatenates_is_merged_in_the_order_of_its_updates()
    {
        using var running = new Samples().Running(2);
        foreach (var text in (string[])["a", "bb", "ccc"]) running.Update(text, "");
        Assert.Equal([2, 3], running.Compute());
    }

    [Fact]
    public void Ranks_cross_their_windows_in_one_collective()
    {
        using var world = new RankedWorld(2);
        var results = world.Run(ranks =>
        {
            using var running = new Accuracy(WrapperBatches.Task).Running(2);
            foreach (var batch in _batches.All.Skip(ranks.Rank).Take(3)) running.Update(batch);
            using (running.Synchronize(ranks)) return running.Compute();
        });
        using var expected = new Accuracy(WrapperBatches.Task);
        foreach (var i in (int[])[1, 2, 2, 3]) expected.Update(_batches.All[i]);
        Assert.Equal([expected.Compute(), expected.Compute()], results);
        Assert.Equal(1, world.Reductions);
    }

    [Fact]
    public void It_is_a_member_of_a_collection_as_any_other()
    {
        using var metrics = new MetricCollection { { "all", new Accuracy(WrapperBatches.Task) }, { "last", new Accuracy(WrapperBatches.Task).Running(1) } };
        metrics.Update(_batches.All[0]);
        metrics.Update(_batches.All[3]);
        Assert.Equal([new("all", 3.0 / 7), new("last", 0.5)], metrics.Compute());
        Assert.Equal(["all", "last/0"], metrics.Parts().Select(p => p.Path));
        metrics.Reset();
        Assert.Equal(0, metrics["last"].Updates);
    }

    [Fact]
    public void Nothing_is_computed_from_nothing_and_a_bad_batch_leaves_the_window_as_it_was()
    {
        var accuracy = new Accuracy(WrapperBatches.Task);
        using var running = accuracy.Running(1);
        Assert.Throws<InvalidOperationException>(() => running.Compute());
        running.Update(_batches.All[0]);
        using var wrong = zeros([5, 3]);
        Assert.Throws<ShapeMismatchException>(() => running.Update(wrong, _batches.All[0].Targets));
        Assert.Equal(0.4, running.Compute());
        Assert.Contains("wrapper", Assert.Throws<InvalidOperationException>(() => accuracy.Update(_batches.All[0])).Message);
        using var other = new Accuracy(3);
        Assert.Throws<ArgumentOutOfRangeException>(() => other.Running(0));
    }

    public void Dispose() => _batches.Dispose();

    sealed record Lengths : HostAccumulation<TextComparison>
    {
        public override void Declare(MetricStates states) => states.Add("lengths", Reduction.Concatenate, zeros([0], ScalarType.Float64));

        public override void Check(in TextComparison batch) => batch.ThrowIfIncomplete();

        protected override void AddOnHost(MetricStates states, in TextComparison batch) => states[0].Append<double>([.. batch.Predictions.Select(p => (double)p.Length)]);
    }

    sealed class Samples() : Metric<TextComparison, double[]>(new Lengths())
    {
        public override double ComputeScalar() => Compute().Sum();

        protected override double[] Compute(MetricStates states) => states[0].ToArray<double>();
    }
}
