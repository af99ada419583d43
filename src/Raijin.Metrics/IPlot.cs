using Raijin.Charts;

namespace Raijin;

/// <summary>A metric whose result is worth a picture: a curve, a matrix, a history.</summary>
public interface IPlot
{
    /// <summary>The picture of what was accumulated.</summary>
    /// <param name="title">What stands above it; null for the metric's own.</param>
    /// <exception cref="InvalidOperationException">Nothing was accumulated yet.</exception>
    Chart Plot(string? title = null);
}
