using Microsoft.Extensions.Time.Testing;
using Raijin.Testing;
using Raijin.Training.Tests.Display;

namespace Raijin.Training.Tests.Callbacks;

public sealed class ProgressBarTests
{
    static string Fit(Func<TrainerOptions, TrainerOptions> change)
    {
        var text = new StringWriter();
        using var run = new ScriptedRun([0.5, 0.25, 0.125]) { TrainScores = [3, 2, 1], Options = o => change(o with { MaxEpochs = 3, Time = new FakeTimeProvider(), Console = TestConsole.Plain(text) }) };
        run.Fit(new ProgressBar(), new ModelSummary());
        return text.ToString();
    }

    [Fact]
    public void Without_a_terminal_there_is_a_line_for_each_epoch_and_no_control_character()
    {
        var text = Fit(o => o with { Output = null, FastDevRun = 0, MaxEpochs = 3 });
        Assert.DoesNotContain(text, c => char.IsControl(c) && c != '\n');
        // The folder's name is another one each time.
        var lines = text.Split('\n');
        lines[0] = lines[0][..lines[0].LastIndexOf(" · ", StringComparison.Ordinal)];
        Golden.Match(string.Join('\n', lines), "plain.txt");
    }

    [Fact]
    public void Validations_within_an_epoch_have_lines_of_their_own()
    {
        var text = Fit(o => o with { MaxEpochs = 1, Validate = Every.Steps(2) });
        Assert.Contains("epoch 1/1  step 2  val/score 0.5000\n", text, StringComparison.Ordinal);
        Assert.Contains("epoch 1/1  train/score 3.0000  val/score 0.2500", text, StringComparison.Ordinal);
    }

    [Fact]
    public void An_epoch_without_a_validation_does_not_repeat_an_old_one()
    {
        var text = Fit(o => o with { MaxEpochs = 2, Validate = Every.Epochs(2) });
        Assert.Contains("epoch 1/2  train/score 3.0000    0 ms\n", text, StringComparison.Ordinal);
        Assert.Contains("epoch 2/2  train/score 2.0000  val/score 0.5000    0 ms\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_fails_says_where_and_leaves_the_region_cleared()
    {
        using var terminal = new VirtualTerminal();
        using var run = new ScriptedRun([0.5])
        {
            OnStep = step =>
            {
                WaitForFrame(terminal);
                if (step.Index == 5) throw new NotSupportedException("the step's own fault");
            },
            Options = o => o with { MaxEpochs = 2, Time = new FakeTimeProvider(), Console = TestConsole.Ansi(terminal) },
        };
        Assert.Throws<NotSupportedException>(() => run.Fit(new ProgressBar { Live = true }));
        Assert.EndsWith("\nepoch 2/2  failed at step 5", terminal.Screen, StringComparison.Ordinal);
        Assert.Equal(0, terminal.Cursor.Column);
    }

    [Fact]
    public void A_live_run_leaves_the_lines_and_nothing_of_the_bar()
    {
        using var terminal = new VirtualTerminal();
        using var run = new ScriptedRun([0.5, 0.25]) { OnStep = _ => WaitForFrame(terminal), Options = o => o with { MaxEpochs = 2, Time = new FakeTimeProvider(), Console = TestConsole.Ansi(terminal) } };
        run.Fit(new ProgressBar { Live = true });

        Assert.Equal(2, terminal.Screen.Split('\n').Count(l => l.StartsWith("epoch ", StringComparison.Ordinal)));
        Assert.DoesNotContain("━", terminal.Screen, StringComparison.Ordinal);
        Assert.False(terminal.CursorIsHidden);
        Assert.Equal(0, terminal.Cursor.Column);
    }

    /// <summary>The first steps wait until a frame was drawn, so that there is one to clear.</summary>
    static void WaitForFrame(VirtualTerminal terminal) => Assert.True(SpinWait.SpinUntil(() => terminal.Writes >= 2, TimeSpan.FromSeconds(30)), "no frame was drawn");

    [Fact]
    public void Thousands_of_epochs_do_not_print_a_line_each()
    {
        var text = Fit(o => o with { MaxEpochs = 300, Validate = Every.Never });
        Assert.Equal(["epoch   1/300", "epoch 300/300"], text.Split('\n').Where(l => l.StartsWith("epoch ", StringComparison.Ordinal)).Select(l => l[..13]));
    }

    [Fact]
    public void A_console_that_throws_is_reported_once_and_training_goes_on()
    {
        var messages = new ListLogger();
        using var run = new ScriptedRun([0.5]) { Options = o => o with { MaxEpochs = 2, Console = TestConsole.Plain(new BrokenPipe()), Logger = messages } };
        var result = run.Fit(new ProgressBar(), new ModelSummary());
        Assert.Equal(8, result.Steps);
        Assert.Equal("The progress display failed and is switched off; training goes on. Broken pipe", Assert.Single(messages.Messages));
    }

    sealed class BrokenPipe : StringWriter
    {
        public override void Write(string? value) => throw new IOException("Broken pipe");

        public override void Write(char value) => throw new IOException("Broken pipe");
    }
}
