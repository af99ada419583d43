using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Panels;

public sealed class MetricPanelTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(48);
    readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _set.Dispose();
        _folder.Dispose();
    }

    sealed class Model : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Linear(8, 3);
        readonly MetricCollection _metrics = Measures(Classification.Multiclass(3, logits: true));
        readonly MetricCollection _trained = new("train/") { { "trained", new ConfusionMatrix(Classification.Multiclass(3)) } };
        readonly MultiTask _tasks = new() { { "heads", new MetricCollection { { "matrix", new ConfusionMatrix(Classification.Multiclass(3)) } } } };
        readonly ConfusionMatrix _idle = new(Classification.Multiclass(3));

        public ConfusionMatrix Alone { get; } = new(Classification.Multiclass(3));

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step)
        {
            var scores = _net.call(batch.Inputs);
            _trained.Update(scores.detach(), batch.Labels);
            step.Log(_trained);
            return functional.cross_entropy(scores, batch.Labels);
        }

        protected override void ValidationStep(LabeledBatch batch, EvalStep step)
        {
            var scores = _net.call(batch.Inputs);
            _metrics.Update(scores, batch.Labels);
            _tasks.Update("heads", new Comparison(scores, batch.Labels));
            Alone.Update(scores, batch.Labels);
            step.Log("val", _metrics);
            step.Log("tasks", _tasks);
            step.Log("val/alone", Alone);
        }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1);

        static MetricCollection Measures(Classification task) => new() { { "accuracy", new Accuracy(task) }, { "confusion", new ConfusionMatrix(task) }, { "roc", new Roc(task) } };
    }

    ShownItems Fit(Model model, MetricPanel panel, bool figures = true, TrainerOptions? options = null)
    {
        var shown = new ShownItems(figures);
        var quiet = options ?? Fixture.Quiet(_folder["run"]) with { MaxEpochs = 1, Checkpoints = false };
        new Trainer(quiet with { Loggers = [shown], Callbacks = [panel] }).Fit(model, new DataLoaders<LabeledBatch>(_set.Batches(12), _set.Batches(16)));
        return shown;
    }

    static List<string> Keys(ShownItems shown) => [.. shown.Items.Select(i => Assert.IsType<FigureItem>(i.Item).Key).Order(StringComparer.Ordinal)];

    [Fact]
    public void Curves_and_matrices_of_fields_and_of_members_are_drawn_by_their_names()
    {
        using var model = new Model();
        var shown = Fit(model, new MetricPanel());
        Assert.Equal(["val/Alone", "val/confusion", "val/heads/matrix", "val/roc"], Keys(shown));
        Assert.All(shown.Items, i => Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], Assert.IsType<FigureItem>(i.Item).Png[..4]));
        var pngs = shown.Items.Select(i => Convert.ToBase64String(((FigureItem)i.Item).Png)).ToList();
        Assert.NotEqual(pngs[0], pngs[1]);
    }

    [Fact]
    public void What_training_accumulates_is_not_drawn_by_a_validation_in_mid_epoch()
    {
        using var model = new Model();
        var options = Fixture.Quiet(_folder["run"]) with { MaxEpochs = 1, Checkpoints = false, Validate = Every.Steps(2) };
        Assert.DoesNotContain("val/trained", Keys(Fit(model, new MetricPanel(), options: options)));
    }

    [Fact]
    public void Each_validation_draws_its_own_samples()
    {
        using var model = new Model();
        var options = Fixture.Quiet(_folder["run"]) with { MaxEpochs = 2, Checkpoints = false };
        var drawn = new List<long>();
        var watch = new LambdaCallback { ValidationEnd = _ => drawn.Add((long)model.Alone.Compute().Cast<double>().Sum()) };
        new Trainer(options with { Loggers = [new ShownItems()], Callbacks = [new MetricPanel(), watch] }).Fit(model, new DataLoaders<LabeledBatch>(_set.Batches(12), _set.Batches(16)));
        Assert.Equal([48, 48], drawn);
    }

    [Theory]
    [InlineData("roc", "val/roc")]
    [InlineData("conf*", "val/confusion")]
    [InlineData("heads/*", "val/heads/matrix")]
    [InlineData("nothing", null)]
    public void Only_what_is_asked_for_is_drawn(string glob, string? key)
    {
        using var model = new Model();
        Assert.Equal(key is null ? [] : [key], Keys(Fit(model, new MetricPanel { Metrics = [glob] })));
    }

    [Fact]
    public void Where_no_logger_shows_charts_nothing_is_drawn()
    {
        using var model = new Model();
        Assert.Empty(Fit(model, new MetricPanel(), figures: false).Items);
    }
}
