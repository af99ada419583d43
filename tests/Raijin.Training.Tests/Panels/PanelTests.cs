using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Panels;

public sealed class PanelTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(48);
    readonly TemporaryFolder _folder = new();
    readonly Shown _shown = new();

    public void Dispose()
    {
        _set.Dispose();
        _folder.Dispose();
    }

    sealed class Shown : RunLogger
    {
        public List<(long Step, LogItem Item)> Items { get; } = [];

        public override bool Accepts(LogKind kind) => true;

        public override void Open(string directory, long fromStep) { }

        public override void Write(LogRecord record)
        {
            foreach (var item in record.Items) Items.Add((record.Step, item));
        }

        public override void Close() { }
    }

    sealed class Model : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Linear(8, 3);

        public bool Publishes { get; init; } = true;

        public double[,] Expected { get; } = new double[3, 3];

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step) => functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);

        protected override void ValidationStep(LabeledBatch batch, EvalStep step)
        {
            var scores = _net.call(batch.Inputs);
            if (!Publishes) return;
            step.Published.Add("scores", scores);
            step.Published.Add("labels", batch.Labels);
            step.Published.Add("images", batch.Inputs.reshape(-1, 1, 2, 4).clamp(0, 1));
            var (rows, columns) = (batch.Labels.data<long>().ToArray(), scores.argmax(1).data<long>().ToArray());
            for (var i = 0; i < rows.Length; i++) Expected[rows[i], columns[i]]++;
        }

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1);
    }

    void Fit(Model model, params Callback[] callbacks) =>
        new Trainer(Fixture.Quiet(_folder["run"]) with { MaxEpochs = 1, Checkpoints = false, Log = Every.Steps(2), Loggers = [_shown], Callbacks = callbacks }).Fit(model, new DataLoaders<LabeledBatch>(_set.Batches(12), _set.Batches(16)));

    [Fact]
    public void Gradients_are_shown_with_written_steps_only()
    {
        using var model = new Model();
        Fit(model, new GradientHistograms("*weight") { Weights = true });
        Assert.Equal(
            [(2, "gradients/_net.weight"), (2, "weights/_net.weight"), (4, "gradients/_net.weight"), (4, "weights/_net.weight")],
            _shown.Items.Select(i => (i.Step, i.Item.Key)));
        Assert.All(_shown.Items, i => Assert.Equal(24, Assert.IsType<HistogramItem>(i.Item).Histogram.Count));
    }

    [Fact]
    public void The_confusion_matrix_counts_what_was_taken_for_what()
    {
        using var model = new Model();
        var panel = new ConfusionMatrixPanel(3) { ClassNames = ["a", "b", "c"] };
        Fit(model, panel);
        Assert.Equal(model.Expected, panel.Counts);
        Assert.Equal(48, panel.Counts.Cast<double>().Sum());
        var figure = Assert.IsType<FigureItem>(Assert.Single(_shown.Items).Item);
        Assert.Equal("val/confusion matrix", figure.Key);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], figure.Png[..4]);
    }

    [Fact]
    public void Shares_are_of_the_true_class()
    {
        using var model = new Model();
        var panel = new ConfusionMatrixPanel(3) { Normalize = true };
        Fit(model, panel);
        var shares = panel.Chart().Values;
        for (var row = 0; row < 3; row++) Assert.Equal(1, shares[row, 0] + shares[row, 1] + shares[row, 2], 12);
    }

    [Fact]
    public void Images_of_the_first_batch_are_shown()
    {
        using var model = new Model();
        Fit(model, new SampleImagesPanel { Count = 4 });
        var images = Assert.IsType<ImagesItem>(Assert.Single(_shown.Items).Item);
        Assert.Equal("val/images", images.Key);
    }

    [Fact]
    public void What_no_step_publishes_is_asked_for_by_name()
    {
        using var model = new Model { Publishes = false };
        var error = Assert.Throws<KeyNotFoundException>(() => Fit(model, new ConfusionMatrixPanel(3)));
        Assert.Contains("step.Published.Add(\"scores\", …)", error.Message);
    }

    [Fact]
    public void Names_that_do_not_fit_the_classes_are_refused()
    {
        using var model = new Model();
        Assert.Contains("2 names for 3 classes", Assert.Throws<InvalidOptionsException>(() => Fit(model, new ConfusionMatrixPanel(3) { ClassNames = ["a", "b"] })).Message);
    }
}
