using System.Globalization;
using Raijin.Collectives;
using Raijin.Tensors;
using Raijin.Testing;

namespace Raijin.Training.Tests.Ranks;

/// <summary>Ranks as processes: one is killed in the middle of a step, all are started again, and the weights are those of a run that nobody disturbed.</summary>
public sealed class RankProcessTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_killed_rank_changes_nothing_once_all_were_started_again(int stage)
    {
        Assert.SkipUnless(ChildProcess.IsSupported, "ranks are processes on Linux and macOS");
        using var folder = new TemporaryFolder();
        var whole = await Fit(folder["whole"], stage, dies: -1);
        Assert.Equal((0, 0), (whole.ExitCode, whole.Restarts));
        var disturbed = await Fit(folder["disturbed"], stage, dies: 8);
        Assert.Equal((0, 1), (disturbed.ExitCode, disturbed.Restarts));
        Assert.Equal(File.ReadAllBytes(folder["whole/weights.bin"]), File.ReadAllBytes(folder["disturbed/weights.bin"]));
    }

    static async Task<LaunchResult> Fit(string run, int stage, int dies)
    {
        using var messages = new StringWriter();
        var options = new LaunchOptions
        {
            Command = [RankProcesses.Program(), "fit", run, stage.ToString(CultureInfo.InvariantCulture), dies.ToString(CultureInfo.InvariantCulture)],
            Ranks = 2,
            MaxRestarts = 1,
            LogFolder = run + "-logs",
            HandleSignals = false,
            Messages = messages,
        };
        var result = await Task.Run(() => Launcher.Run(options, TestContext.Current.CancellationToken)).WaitAsync(TimeSpan.FromSeconds(120), TestContext.Current.CancellationToken);
        Assert.True(result.ExitCode == 0, messages.ToString());
        return result;
    }
}
