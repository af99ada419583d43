using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace Raijin.Training;

/// <summary>Where warnings go when the user gave no logger: standard error, a line each.</summary>
sealed class StandardErrorLogger : ILogger
{
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning && logLevel != LogLevel.None;

    [SuppressMessage("ApiDesign", "RS0030", Justification = "The one place outside the command line that speaks to a terminal: warnings nobody else takes.")]
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel)) Console.Error.WriteLine($"{(logLevel == LogLevel.Warning ? "warning" : "error")}: {formatter(state, exception)}");
    }
}
