using Raijin.Testing;

namespace Raijin.Training.Tests.Callbacks;

public sealed class ModelCheckpointTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(48);
    readonly TemporaryFolder _folder = new();
    readonly SmallClassifier _model = new();
    readonly ListLogger _messages = new();

    public void Dispose()
    {
        _model.Dispose();
        _set.Dispose();
        _folder.Dispose();
    }

    FitResult Fit(ModelCheckpoint checkpoint, Func<TrainerOptions, TrainerOptions>? change = null, Resume? resume = null)
    {
        var options = Fixture.Quiet(_folder["run"]) with { MaxEpochs = 3, Logger = _messages, Callbacks = [checkpoint] };
        return new Trainer(change?.Invoke(options) ?? options).Fit(_model, new DataLoaders<LabeledBatch>(_set.Batches(16), _set.Batches(48)), resume);
    }

    string Target(string link) => Path.GetFullPath(Path.Combine(_folder["run"], new DirectoryInfo(Path.Combine(_folder["run"], link)).LinkTarget!));

    [Fact]
    public void Links_follow_the_newest_and_the_best()
    {
        var result = Fit(new ModelCheckpoint { Monitor = Best.Min("val/loss"), Keep = 3 });
        Assert.Equal(result.LastCheckpoint, Target("last"));
        Assert.Equal(result.BestCheckpoint, Target("best"));
        using var other = new SmallClassifier();
        Trainer.LoadWeights(other, Path.Combine(_folder["run"], "best"));
        Assert.Equal(result.LastCheckpoint, new Trainer(Fixture.Quiet()).Validate(other, _set.Batches(48), Weights.From(Target("last"))).Checkpoint);
    }

    [Fact]
    public void A_link_moves_on_when_its_checkpoint_was_pruned()
    {
        var result = Fit(new ModelCheckpoint { Monitor = Best.Min("val/loss"), Keep = 1, KeepLast = 1, Save = Every.Steps(1) }, o => o with { MaxEpochs = 4, Validate = Every.Steps(1) });
        Assert.Equal(result.BestCheckpoint, Target("best"));
        Assert.Equal(result.LastCheckpoint, Target("last"));
        Assert.True(Directory.Exists(Path.Combine(_folder["run"], "best")));
    }

    [Fact]
    public void The_best_link_stays_where_a_resumed_run_does_worse()
    {
        var checkpoint = new ModelCheckpoint { Monitor = Best.Max("val/accuracy"), Keep = 5 };
        var before = Fit(checkpoint).BestCheckpoint;
        _model.OnStep = _ => { };
        var after = Fit(checkpoint, o => o with { MaxEpochs = 4 }, Resume.Last);
        Assert.Equal(after.BestCheckpoint, Target("best"));
        Assert.NotNull(before);
    }

    [Fact]
    public void A_folder_that_has_a_links_name_is_left_alone()
    {
        Directory.CreateDirectory(Path.Combine(_folder["run"], "last", "mine"));
        Fit(new ModelCheckpoint());
        Assert.True(Directory.Exists(Path.Combine(_folder["run"], "last", "mine")));
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(_folder["run"]), e => e.Contains(".tmp-"));
    }

    [Fact]
    public void A_failure_saves_the_state_before_the_step_and_can_be_resumed()
    {
        _model.OnStep = step =>
        {
            if (step.Run.Step == 4) throw new InvalidOperationException("broken");
        };
        Assert.Throws<InvalidOperationException>(() => Fit(new ModelCheckpoint { SaveOnException = true, Save = Every.Never }));
        Assert.Equal(["exception-00000004"], Directory.EnumerateDirectories(Path.Combine(_folder["run"], "checkpoints")).Select(Path.GetFileName));
        _model.OnStep = null;
        var result = Fit(new ModelCheckpoint { Save = Every.Never }, resume: Resume.Last);
        Assert.Equal((9, 5), (result.Steps, result.StepsHere));
    }

    [Fact]
    public void The_callback_of_its_own_does_the_same()
    {
        _model.OnStep = step =>
        {
            if (step.Run.Step == 2) throw new InvalidOperationException("broken");
        };
        Assert.Throws<InvalidOperationException>(() => Fit(new ModelCheckpoint(), o => o with { Callbacks = [new OnExceptionCheckpoint()], Checkpoints = false }));
        Assert.Equal(["exception-00000002"], Directory.EnumerateDirectories(Path.Combine(_folder["run"], "checkpoints")).Select(Path.GetFileName));
    }

    static IEnumerable<string?> Names(string folder) => Directory.EnumerateDirectories(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    [Fact]
    public void A_mirror_holds_what_the_run_holds_and_a_lost_run_goes_on_from_it()
    {
        var checkpoint = new ModelCheckpoint { MirrorTo = new FolderStorage(_folder["far"]), KeepLast = 2 };
        Fit(checkpoint, o => o with { MaxEpochs = 4 });
        Assert.Equal(Names(Path.Combine(_folder["run"], "checkpoints")), Names(_folder["far"]));

        Directory.Delete(_folder["run"], recursive: true);
        var result = Fit(checkpoint, o => o with { MaxEpochs = 5 }, Resume.Last);
        Assert.Equal((15, 3), (result.Steps, result.StepsHere));
    }

    sealed class Dead : CheckpointStorage
    {
        public override string Location => "nowhere";

        public override void Upload(string name, string folder, CancellationToken cancellationToken) => throw new IOException("it is gone");

        public override void Delete(string name, CancellationToken cancellationToken) => throw new IOException("it is gone");

        public override IReadOnlyList<string> List(CancellationToken cancellationToken) => throw new IOException("it is gone");

        public override void Download(string name, string folder, CancellationToken cancellationToken) => throw new IOException("it is gone");
    }

    [Fact]
    public void A_mirror_that_is_gone_is_reported_once_and_training_goes_on()
    {
        var result = Fit(new ModelCheckpoint { MirrorTo = new Dead() });
        Assert.Equal(9, result.Steps);
        Assert.Single(_messages.Messages, m => m.Contains("was not copied to nowhere"));
    }
}
