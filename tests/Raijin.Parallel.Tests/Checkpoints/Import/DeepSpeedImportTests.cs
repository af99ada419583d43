using System.Text.Json;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Parallel.Tests.Checkpoints.Import;

/// <summary>Checkpoints in DeepSpeed's layouts (eng/recordings/deepspeed_checkpoints.py), put together and compared with the model they were made from.</summary>
public sealed class DeepSpeedImportTests : IDisposable
{
    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    internal static string Recorded(params string[] parts) => Path.Combine([AppContext.BaseDirectory, "Checkpoints", "Import", "Recordings", .. parts]);

    [Theory]
    [InlineData("stage1-bf16", "DeepSpeed, ZeRO stage 1, 2 ranks")]
    [InlineData("stage1-elastic", "DeepSpeed, ZeRO stage 1, 2 ranks")]
    [InlineData("stage2", "DeepSpeed, ZeRO stage 2, 2 ranks")]
    [InlineData("stage3/global_step4", "DeepSpeed, ZeRO stage 3, 2 ranks")]
    [InlineData("universal", "DeepSpeed, universal")]
    [InlineData("universal-flat", "DeepSpeed, universal")]
    public void Weights_and_moments_are_those_of_the_model(string name, string format)
    {
        using (var imported = ImportedCheckpoint.Open(Recorded(name)))
        {
            Assert.Equal((format, 4), (imported.Format, imported.Step));
            Assert.Empty(imported.Notes);
            imported.Write(_folder["a"]);
        }

        using var scope = NewDisposeScope();
        using var checkpoint = ShardedCheckpoint.Open(_folder["a"]);
        using var expected = JsonDocument.Parse(File.ReadAllText(Recorded("expected.json")));
        var names = new HashSet<string>();
        Compare("model", "model/{0}");
        Compare("exp_avg", "optimizer/0/{0}/exp_avg");
        Compare("exp_avg_sq", "optimizer/0/{0}/exp_avg_sq");
        Assert.Equal(names.Order(StringComparer.Ordinal), checkpoint.Tensors.Select(t => t.Name));
        Assert.Equal((4, format), (checkpoint.Info.Step, (string?)checkpoint.State["imported"]!["format"]));
        var options = checkpoint.State["imported"]!["state"]!["optimizer0"];
        if (name != "stage1-elastic") Assert.Equal(0.1, (double)options![0]!["weight_decay"]!);

        void Compare(string part, string pattern)
        {
            foreach (var item in expected.RootElement.GetProperty(part).EnumerateObject())
            {
                var full = string.Format(null, pattern, item.Name);
                var tensor = checkpoint.Read(full);
                names.Add(full);
                Assert.Equal(item.Value.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64()), tensor.shape);
                Assert.Equal(item.Value.GetProperty("values").EnumerateArray().Select(v => v.GetDouble()), tensor.to(ScalarType.Float64).data<double>().ToArray());
            }
        }
    }

    [Fact]
    public void Stage_0_gives_its_module()
    {
        using var imported = ImportedCheckpoint.Open(Recorded("stage0", "global_step4"));
        Assert.Equal(("DeepSpeed, stage 0", 4), (imported.Format, imported.Step));
        Assert.Contains("head.weight", imported.Model.Select(t => t.Name));
        Assert.Empty(imported.Optimizer);
    }

    [Fact]
    public void A_part_that_is_missing_or_of_another_run_is_told()
    {
        var folder = Copy("stage2/global_step4");
        File.Delete(Path.Combine(folder, "zero_pp_rank_0_mp_rank_00_optim_states.pt"));
        Assert.Contains("the file of rank 0 is missing", Refusal(folder), StringComparison.Ordinal);

        folder = Copy("stage2/global_step4");
        File.Delete(Path.Combine(folder, "zero_pp_rank_1_mp_rank_00_optim_states.pt"));
        Assert.Contains("1 files are here: some are missing", Refusal(folder), StringComparison.Ordinal);

        File.Copy(Recorded("stage3/global_step4/zero_pp_rank_1_mp_rank_00_optim_states.pt"), Path.Combine(folder, "zero_pp_rank_1_mp_rank_00_optim_states.pt"));
        Assert.Contains("it is of stage 3", Refusal(folder), StringComparison.Ordinal);

        folder = Copy("stage2/global_step4");
        File.Delete(Path.Combine(folder, "mp_rank_00_model_states.pt"));
        Assert.Contains("it is no checkpoint of DeepSpeed", Refusal(folder), StringComparison.Ordinal);

        folder = Copy("stage1-bf16/global_step4");
        File.Copy(Recorded("stage1-elastic/global_step4/zero_pp_rank_0_mp_rank_00_optim_states.pt"), Path.Combine(folder, "zero_pp_rank_0_mp_rank_00_optim_states.pt"));
        Assert.Contains("are both of rank 0", Refusal(folder), StringComparison.Ordinal);

        folder = Copy("stage2/global_step4");
        File.Copy(Path.Combine(folder, "mp_rank_00_model_states.pt"), Path.Combine(folder, "mp_rank_01_model_states.pt"));
        Assert.Contains("tensor, pipeline or expert parallelism", Refusal(folder), StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_of_a_folder_cannot_lead_elsewhere()
    {
        File.WriteAllText(_folder["latest"], "../../etc");
        Assert.Contains("is no name of a folder", Refusal(_folder.Path), StringComparison.Ordinal);
        File.WriteAllText(_folder["latest"], "gone");
        Assert.Contains("there is no such folder", Refusal(_folder.Path), StringComparison.Ordinal);
        Assert.Contains("no such file or folder", Refusal(_folder["none"]), StringComparison.Ordinal);
    }

    string Refusal(string path) => Assert.Throws<CheckpointException>(() => ImportedCheckpoint.Open(path).Dispose()).Message;

    string Copy(string name)
    {
        var folder = Directory.CreateDirectory(_folder[Guid.NewGuid().ToString("N")]).FullName;
        foreach (var file in Directory.EnumerateFiles(Recorded(name))) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        return folder;
    }
}
