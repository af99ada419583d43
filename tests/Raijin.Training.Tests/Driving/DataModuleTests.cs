using System.Text.Json.Nodes;
using Raijin.Testing;

namespace Raijin.Training.Tests.Driving;

public sealed class DataModuleTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(48);
    readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _set.Dispose();
        _folder.Dispose();
    }

    sealed class Blobs(LabeledDataset set, List<string> calls) : DataModule<LabeledBatch>
    {
        public int BatchSize { get; set; } = 16;

        public Exception? Seen { get; private set; }

        public int Loads { get; private set; }

        public override void Prepare(CancellationToken cancellationToken = default) => calls.Add("prepare");

        public override void Setup(RunStage stage) => calls.Add($"setup {stage}");

        public override DataLoader<LabeledBatch>? TrainLoader()
        {
            calls.Add("train loader");
            Loads++;
            return set.Batches(BatchSize);
        }

        public override LoaderSet<LabeledBatch>? ValidationLoaders()
        {
            calls.Add("validation loaders");
            return set.Batches(48);
        }

        public override LabeledBatch BeforeTransfer(LabeledBatch batch)
        {
            if (calls.Count > 0 && calls[^1] != "before transfer") calls.Add("before transfer");
            return batch;
        }

        public override JsonObject? SaveState() => new() { ["loads"] = Loads };

        public override void LoadState(JsonObject state) => calls.Add($"loaded {(int)state["loads"]!}");

        public override void Teardown(RunStage stage) => calls.Add($"teardown {stage}");

        public override void OnException(Exception error) => Seen = error;
    }

    TrainerOptions Options => Fixture.Quiet(_folder["run"]) with { MaxEpochs = 1 };

    [Fact]
    public void It_is_prepared_set_up_asked_and_taken_down_in_this_order()
    {
        List<string> calls = [];
        using var model = new SmallClassifier();
        new Trainer(Options).Fit(model, new Blobs(_set, calls));
        Assert.Equal(["prepare", "setup Fit", "train loader", "validation loaders", "before transfer", "teardown Fit"], calls);
    }

    [Fact]
    public void A_fit_from_it_is_the_fit_from_its_loaders()
    {
        using var one = new SmallClassifier();
        using var other = new SmallClassifier();
        Seed(one, other);
        new Trainer(Options).Fit(one, new Blobs(_set, [""]));
        new Trainer(Options with { Output = _folder["other"] }).Fit(other, new DataLoaders<LabeledBatch>(_set.Batches(16), _set.Batches(48)));
        Fixture.AssertBitwise(Fixture.Weights(one), Fixture.Weights(other));
    }

    static void Seed(SmallClassifier one, SmallClassifier other) => other.load_state_dict(one.state_dict());

    [Fact]
    public void It_hears_of_a_failure_and_is_taken_down()
    {
        List<string> calls = [];
        using var model = new SmallClassifier { OnStep = _ => throw new InvalidOperationException("broken") };
        var data = new Blobs(_set, calls);
        Assert.Throws<InvalidOperationException>(() => new Trainer(Options).Fit(model, data));
        Assert.Equal("broken", data.Seen?.Message);
        Assert.Equal("teardown Fit", calls[^1]);
    }

    [Fact]
    public void Its_state_is_in_the_checkpoint()
    {
        using var model = new SmallClassifier();
        new Trainer(Options).Fit(model, new Blobs(_set, [""]));
        List<string> calls = [""];
        new Trainer(Options with { MaxEpochs = 2 }).Fit(model, new Blobs(_set, calls), Resume.Last);
        Assert.Contains("loaded 1", calls);
    }

    [Fact]
    public void Loaders_are_asked_for_anew_when_it_is_due()
    {
        List<string> calls = [""];
        using var model = new SmallClassifier();
        var data = new Blobs(_set, calls);
        new Trainer(Options with { MaxEpochs = 5, ReloadLoaders = Every.Epochs(2) }).Fit(model, data);
        Assert.Equal(3, data.Loads);
    }

    sealed class Shrink(Blobs data) : Callback
    {
        public override void OnTrainEpochStart(TrainEpoch epoch) => data.BatchSize = 24;
    }

    [Fact]
    public void A_reloaded_loader_of_another_length_is_refused_with_both_lengths()
    {
        using var model = new SmallClassifier();
        var data = new Blobs(_set, [""]);
        var error = Assert.Throws<InvalidOperationException>(() => new Trainer(Options with { MaxEpochs = 2, ReloadLoaders = Every.Epochs(1), Callbacks = [new Shrink(data)] }).Fit(model, data));
        Assert.Contains("2 batches", error.Message);
        Assert.Contains("one of 3", error.Message);
    }

    sealed class Nothing : DataModule<LabeledBatch>;

    [Fact]
    public void One_without_a_training_loader_is_refused_by_name()
    {
        using var model = new SmallClassifier();
        var error = Assert.Throws<InvalidOptionsException>(() => new Trainer(Options).Fit(model, new Nothing()));
        Assert.Contains("Nothing.TrainLoader gives no loader", error.Message);
    }
}
