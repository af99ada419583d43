using System.Diagnostics;
using Raijin.Testing;
using static TorchSharp.torch;

namespace Raijin.Training.Tests.Checkpoints;

/// <summary>Processes that are killed without warning while they save.</summary>
public sealed class KillDuringSaveTests : IDisposable
{
    const int Kills = 5;

    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("replace")]
    [InlineData("background")]
    public async Task The_last_good_checkpoint_survives_every_kill(string mode)
    {
        var random = new Random(mode.Length);
        var reached = 0L;
        for (var kill = 0; kill < Kills; kill++)
        {
            var start = new ProcessStartInfo(SaveHost.Path, [_folder.Path, "300000", mode]) { RedirectStandardOutput = true };
            using (var process = Process.Start(start)!)
            {
                var first = long.Parse((await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!, null);
                Assert.True(first > reached, $"the writer went on at {first}, after {reached} was there");
                reached = first;
                // Between a few instructions and a few whole saves later.
                Assert.False(process.WaitForExit(random.Next(30)));
                process.Kill();
                await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            }

            using var store = new CheckpointStore(_folder.Path);
            using var scope = NewDisposeScope();
            using var good = store.OpenLastGood(out var skipped);
            Assert.Empty(skipped);
            Assert.NotNull(good);
            Assert.True(good.Info.Step >= reached, $"step {reached} was reported saved, the last good one is {good.Info.Step}");
            reached = good.Info.Step;
            Assert.Equal(reached, (long)good.State["step"]!);
            foreach (var (stem, name) in new[] { ("model", "large"), ("model", "small"), ("optimizer", "moment") })
            {
                var tensor = good.File(stem).Tensor(name);
                Assert.Equal((reached, reached), ((long)tensor.min().item<float>(), (long)tensor.max().item<float>()));
            }
        }
    }
}
