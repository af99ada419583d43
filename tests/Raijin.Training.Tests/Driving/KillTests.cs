using System.Diagnostics;
using Raijin.Testing;

namespace Raijin.Training.Tests.Driving;

/// <summary>Training processes that are killed without warning, at random moments, again and again.</summary>
public sealed class KillTests
{
    const int Steps = 600;
    static readonly TimeSpan Deadline = TimeSpan.FromMinutes(4);

    [Fact]
    public async Task After_fifty_kills_the_weights_are_those_of_an_undisturbed_run()
    {
        using var folder = new TemporaryFolder();
        using var timeout = new CancellationTokenSource(Deadline);
        var expected = await Run(folder["undisturbed"], null, timeout.Token);

        var random = new Random(17);
        var kills = 0;
        string? hash = null;
        // A run that survives its appointed moment is finished; kills go on with the next one.
        for (var run = 0; kills < 50; run++)
        {
            var output = folder[$"killed-{run}"];
            hash = null;
            while (hash is null && kills < 50)
            {
                hash = await Run(output, TimeSpan.FromMilliseconds(random.Next(20, 900)), timeout.Token);
                if (hash is null) kills++;
                else Assert.Equal(expected, hash);
            }
            if (hash is null) Assert.Equal(expected, await Run(output, null, timeout.Token));
        }
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    public async Task A_signal_saves_and_the_run_goes_on_with_the_same_bits(string signal, int exitCode)
    {
        using var folder = new TemporaryFolder();
        using var timeout = new CancellationTokenSource(Deadline);
        var expected = await Run(folder["undisturbed"], null, timeout.Token);

        using var process = Start(folder["stopped"], pace: 25);
        Assert.Equal("started", await process.StandardOutput.ReadLineAsync(timeout.Token));
        Assert.Equal("training", await process.StandardOutput.ReadLineAsync(timeout.Token));
        using (var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"])) await kill.WaitForExitAsync(timeout.Token);
        Assert.Equal("interrupted", await process.StandardOutput.ReadLineAsync(timeout.Token));
        await process.WaitForExitAsync(timeout.Token);
        Assert.Equal(exitCode, process.ExitCode);

        Assert.Equal(expected, await Run(folder["stopped"], null, timeout.Token));
    }

    /// <summary>Runs to the end, or to the kill.</summary>
    /// <returns>The hash of the weights; null when it was killed.</returns>
    static async Task<string?> Run(string folder, TimeSpan? killAfter, CancellationToken cancellationToken)
    {
        using var process = Start(folder, pace: 0);
        try
        {
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            Assert.Equal("started", await process.StandardOutput.ReadLineAsync(cancellationToken));
            if (killAfter is { } moment)
            {
                var exited = process.WaitForExitAsync(cancellationToken);
                if (await Task.WhenAny(exited, Task.Delay(moment, cancellationToken)) != exited)
                {
                    process.Kill();
                    await exited;
                    return null;
                }
            }
            var last = await process.StandardOutput.ReadLineAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            Assert.True(process.ExitCode == 0 && last is not null, $"exit code {process.ExitCode}: {await errors}");
            return last!.Split(' ')[1];
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    static Process Start(string folder, int pace)
    {
        var host = Path.Combine(AppContext.BaseDirectory.Replace("Raijin.Training.Tests", "Raijin.RunHost", StringComparison.Ordinal), "Raijin.RunHost.dll");
        var start = new ProcessStartInfo("dotnet", ["exec", host, folder, $"{Steps}", $"{pace}"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        return Process.Start(start)!;
    }
}
