using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Panels;

public sealed class PanelTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(48);
    readonly TemporaryFolder _folder = new();
    readonly ShownItems _shown = new();

    public void Dispose()
    {
        _set.Dispose();
        _folder.Dispose();
    }

    sealed class Model : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Linear(8, 3);

        public bool Publishes { get; init; } = true;

        protected override Tensor TrainingStep(LabeledBatch batch, TrainStep step) => functional.cross_entropy(_net.call(batch.Inputs), batch.Labels);

        protected override void ValidationStep(LabeledBatch batch, EvalStep step)
        {
            if (Publishes) step.Published.Add("images", batch.Inputs.reshape(-1, 1, 2, 4).clamp(0, 1));
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
        var error = Assert.Throws<KeyNotFoundException>(() => Fit(model, new SampleImagesPanel()));
        Assert.Contains("step.Published.Add(\"images\", …)", error.Message);
    }
}
