using System.Text.Json;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Parallel.Tests.Checkpoints.Import;

public sealed class StateDictImportTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_Lightning_checkpoint_gives_weights_moments_and_hyper_parameters()
    {
        using (var imported = ImportedCheckpoint.Open(DeepSpeedImportTests.Recorded("training.ckpt")))
        {
            Assert.Equal(("Lightning 1.9.5", 3), (imported.Format, imported.Step));
            Assert.Empty(imported.Notes);
            Assert.Equal("argparse.Namespace", (string?)imported.State["hyper_parameters"]!["arguments"]!["class"]);
            Assert.Equal(3, (long)imported.State["optimizer0Updates"]!["2.weight"]!);
            imported.Write(_folder["a"]);
        }

        using var scope = NewDisposeScope();
        using var checkpoint = ShardedCheckpoint.Open(_folder["a"]);
        using var expected = JsonDocument.Parse(File.ReadAllText(DeepSpeedImportTests.Recorded("training.json")));
        foreach (var (part, pattern) in new[] { ("model", "model/{0}"), ("exp_avg", "optimizer/0/{0}/exp_avg"), ("exp_avg_sq", "optimizer/0/{0}/exp_avg_sq") })
        {
            foreach (var item in expected.RootElement.GetProperty(part).EnumerateObject())
                Assert.Equal(item.Value.GetProperty("values").EnumerateArray().Select(v => v.GetDouble()), checkpoint.Read(string.Format(null, pattern, item.Name)).to(ScalarType.Float64).data<double>().ToArray());
        }
        Assert.Equal(ScalarType.Int64, checkpoint.Find("model/1.num_batches_tracked")!.ScalarType);
    }

    [Fact]
    public void Values_are_read_as_they_are()
    {
        // snippet: import
        using var imported = ImportedCheckpoint.Open(DeepSpeedImportTests.Recorded("training.ckpt"));
        var rate = (double)imported.State["hyper_parameters"]!["lr"]!;
        foreach (var note in imported.Notes) TestContext.Current.SendDiagnosticMessage(note);
        imported.Write(_folder["weights"]);

        using var checkpoint = ShardedCheckpoint.Open(_folder["weights"]);
        using var weight = TorchSharp.torch.zeros(4, 3, TorchSharp.torch.bfloat16);
        checkpoint.Read("model/0.weight", start: 0, weight, convert: true);
        // end snippet
        Assert.Equal(0.01, rate);
        using var whole = checkpoint.Read("model/0.weight");
        using var narrowed = whole.to(ScalarType.BFloat16);
        Assert.Equal(narrowed.data<TorchSharp.BFloat16>().ToArray(), weight.data<TorchSharp.BFloat16>().ToArray());
    }

    [Fact]
    public void Weights_alone_are_written_without_the_optimizer()
    {
        using var imported = ImportedCheckpoint.Open(DeepSpeedImportTests.Recorded("training.ckpt"));
        imported.Write(_folder["a"], withOptimizer: false);
        Assert.Equal(["manifest.json", "model.safetensors", "state.json"], Directory.EnumerateFiles(_folder["a"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_file_without_a_state_dict_says_what_it_holds() =>
        Assert.Contains("it holds \"tensors\", \"plain\"", Assert.Throws<CheckpointException>(() => ImportedCheckpoint.Open(DeepSpeedImportTests.Recorded("values.pt")).Dispose()).Message, StringComparison.Ordinal);

    [Fact]
    public void Another_kind_of_file_is_refused()
    {
        File.WriteAllText(_folder["a.pt"], "hello, world");
        Assert.Throws<PickleException>(() => ImportedCheckpoint.Open(_folder["a.pt"]).Dispose());
    }
}
