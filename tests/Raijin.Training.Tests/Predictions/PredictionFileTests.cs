using System.Text.Json.Nodes;
using Raijin.Testing;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Raijin.Training.Tests.Predictions;

public sealed class PredictionFileTests : IDisposable
{
    readonly LabeledDataset _set = Fixture.Blobs(10);
    readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _set.Dispose();
        _folder.Dispose();
    }

    sealed class Model : TrainingModule<LabeledBatch>
    {
        readonly Module<Tensor, Tensor> _net = Linear(8, 3);

        public Func<Tensor, Tensor> Answer { get; init; } = t => t;

        protected override Tensor PredictStep(LabeledBatch batch, EvalStep step) => Answer(_net.call(batch.Inputs));

        protected override OptimizerSetup ConfigureOptimizers() => Optimizers.Sgd(this, 0.1);
    }

    DataLoader<LabeledBatch> Loader => _set.Batches(new LoaderOptions { BatchSize = 4, Shuffle = false, Remainder = Remainder.Exact });

    string Write(string name, Model model)
    {
        using var file = new PredictionFile(_folder[name]);
        new Trainer(Fixture.Quiet()).Predict(model, Loader, file);
        Assert.Equal(10, file.Samples);
        return _folder[name];
    }

    float[] Expected(Model model) => [.. new Trainer(Fixture.Quiet()).Predict(model, Loader).SelectMany(answer =>
    {
        using (answer) return answer.flatten().data<float>().ToArray();
    })];

    [Fact]
    public void Lines_of_json_hold_each_sample()
    {
        using var model = new Model();
        var lines = File.ReadAllLines(Write("out.jsonl", model)).Select(line => JsonNode.Parse(line)!.AsObject()).ToList();
        Assert.Equal(Enumerable.Range(0, 10), lines.Select(l => (int)l["index"]!));
        Assert.Equal(Expected(model), lines.SelectMany(l => l["prediction"]!.AsArray().Select(v => (float)v!)));
    }

    [Fact]
    public void Rows_of_csv_hold_each_sample_flat()
    {
        using var model = new Model();
        var lines = File.ReadAllLines(Write("out.csv", model));
        Assert.Equal("loader,index,p0,p1,p2", lines[0]);
        Assert.Equal(Expected(model), lines.Skip(1).SelectMany(l => l.Split(',').Skip(2).Select(v => float.Parse(v, System.Globalization.CultureInfo.InvariantCulture))));
    }

    [Fact]
    public void An_array_of_numpy_holds_all_samples()
    {
        using var model = new Model { Answer = t => t.unsqueeze(1) };
        var bytes = File.ReadAllBytes(Write("out.npy", model));
        Assert.Equal([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0], bytes[..8]);
        var header = System.Text.Encoding.ASCII.GetString(bytes[10..128]);
        Assert.StartsWith("{'descr': '<f4', 'fortran_order': False, 'shape': (10, 1, 3), }", header);
        Assert.EndsWith("\n", header);
        Assert.Equal(Expected(model), System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes.AsSpan(128)).ToArray());
    }

    [Fact]
    public void What_is_not_complete_is_not_there()
    {
        using var model = new Model { Answer = _ => throw new InvalidOperationException("broken") };
        using var file = new PredictionFile(_folder["out.csv"]);
        Assert.Throws<InvalidOperationException>(() => new Trainer(Fixture.Quiet()).Predict(model, Loader, file));
        Assert.Empty(Directory.EnumerateFiles(_folder.Path));
    }

    [Fact]
    public void A_name_of_no_known_format_is_refused() =>
        Assert.Contains("written as .jsonl, .csv or .npy", Assert.Throws<ArgumentException>(() => new PredictionFile("out.txt")).Message);

    [Fact]
    public void An_answer_without_a_row_for_each_sample_is_refused()
    {
        using var model = new Model { Answer = t => t.sum() };
        using var file = new PredictionFile(_folder["out.csv"]);
        Assert.Contains("Keep the batch's dim", Assert.Throws<ShapeMismatchException>(() => new Trainer(Fixture.Quiet()).Predict(model, Loader, file)).Message);
    }
}
