using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace Raijin.Training;

/// <summary>
/// What a person sees of a run while it lasts. Started, it draws on a thread of its own, which also is the first to touch the drawing library: the training
/// thread only hands over what to print. Not started, it prints where it is called.
/// </summary>
sealed class RunDisplay(TrainerOptions options, ILogger logger) : IDisposable
{
    static readonly TimeSpan FrameInterval = TimeSpan.FromMilliseconds(100);
    static readonly TimeSpan IdleFrameInterval = TimeSpan.FromSeconds(1);
    static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(10);
    // A terminal that takes no more text (a lost connection, a held scroll) must not keep a run from its last checkpoint.
    static readonly TimeSpan CloseDeadline = TimeSpan.FromSeconds(2);

    readonly ConcurrentQueue<Func<IReadOnlyList<StyledLine>>> _printing = new();
    readonly AutoResetEvent _wake = new(false);
    Thread? _thread;
    ProgressView? _view;
    bool? _live;
    volatile bool _closing;

    /// <summary>Prints lines, above the live region where there is one.</summary>
    /// <param name="lines">Makes the lines; called on the thread that prints.</param>
    public void Print(Func<IReadOnlyList<StyledLine>> lines)
    {
        if (_thread is null)
        {
            PrintLines(OpenConsole(), lines());
            return;
        }
        _printing.Enqueue(lines);
        _wake.Set();
    }

    /// <summary>Begins to show progress.</summary>
    /// <param name="view">What to show.</param>
    /// <param name="live">Whether lines are drawn over again; null: on a terminal.</param>
    public void Start(ProgressView view, bool? live)
    {
        _view = view;
        _live = live;
        _closing = false;
        _thread = new Thread(Run) { IsBackground = true, Name = "raijin-display" };
        _thread.Start();
    }

    /// <summary>Prints what is still waiting, takes the live region away and gives the console back.</summary>
    public void Stop()
    {
        if (_thread is not { } thread) return;
        _closing = true;
        _wake.Set();
        if (!thread.Join(CloseDeadline)) logger.LogWarning("The terminal has not taken the run's last lines within {Seconds} s; going on without.", CloseDeadline.TotalSeconds);
        _thread = null;
    }

    public void Dispose()
    {
        Stop();
        _wake.Dispose();
    }

    [SuppressMessage("Design", "CA1031", Justification = "The console may be the user's own, or gone: whatever it throws ends the display, is reported once, and never the training.")]
    void Run()
    {
        try
        {
            // A run shorter than this shows its lines and no bar; the first steps have the cores to themselves.
            _wake.WaitOne(FrameInterval);
            var console = OpenConsole();
            if (_live ?? (console.Profile.Out.IsTerminal && console.Profile.Capabilities.Ansi)) DrawLive(console);
            else PrintPlain(console);
        }
        catch (Exception error)
        {
            logger.LogError(error, "The progress display failed and is switched off; training goes on. {Message}", error.Message);
        }
    }

    IAnsiConsole OpenConsole() => options.Console ?? AnsiConsole.Create(new AnsiConsoleSettings());

    void DrawLive(IAnsiConsole console)
    {
        var region = new LiveRegion(console);
        using var relay = console.Profile.Out.IsTerminal ? new ConsoleRelay(region) : null;
        ProgressSnapshot? drawn = null;
        var drawnAt = options.Time.GetTimestamp();
        try
        {
            while (true)
            {
                // Read before the queue is emptied: what was handed over before closing is printed.
                var closing = _closing;
                while (_printing.TryDequeue(out var lines)) region.PrintAbove(lines());
                if (closing) return;
                var now = _view!.Observe();
                if (now != drawn || options.Time.GetElapsedTime(drawnAt) >= IdleFrameInterval)
                {
                    region.Show(_view.Frame(now, region.Width));
                    (drawn, drawnAt) = (now, options.Time.GetTimestamp());
                }
                _wake.WaitOne(FrameInterval);
            }
        }
        finally
        {
            region.Clear();
        }
    }

    void PrintPlain(IAnsiConsole console)
    {
        var printedAt = options.Time.GetTimestamp();
        while (true)
        {
            var closing = _closing;
            while (_printing.TryDequeue(out var lines))
            {
                PrintLines(console, lines());
                printedAt = options.Time.GetTimestamp();
            }
            if (closing) return;
            var now = _view!.Observe();
            if (options.Time.GetElapsedTime(printedAt) >= LineInterval)
            {
                PrintLines(console, [_view.Line(now)]);
                printedAt = options.Time.GetTimestamp();
            }
            _wake.WaitOne(IdleFrameInterval);
        }
    }

    static void PrintLines(IAnsiConsole console, IReadOnlyList<StyledLine> lines)
    {
        foreach (var line in lines)
        {
            console.Write(new LineDrawing(line));
            console.WriteLine();
        }
    }
}
