using Raijin.Training;

namespace Raijin.App;

/// <summary>What one key had, over a run.</summary>
/// <param name="Key">The logged name.</param>
/// <param name="Scope">Whether these are values of steps or of epochs.</param>
sealed record RunSeries(string Key, LogScope Scope)
{
    /// <summary>Above this many points each second one is forgotten: more than a picture has pixels across.</summary>
    const int MaxPoints = 32_768;

    readonly List<SeriesPoint> _points = [];
    int _stride = 1;
    long _seen;

    /// <summary>Its points, in the order logged.</summary>
    public IReadOnlyList<SeriesPoint> Points => _points;

    /// <summary>The series of a run's log, steps before epochs, keys in the order of their first logging; none where there is no log.</summary>
    /// <exception cref="InvalidDataException">The log is damaged; names the line.</exception>
    public static IReadOnlyList<RunSeries> Read(string folder)
    {
        if (LogFile.Find(folder) is not { } path) return [];
        var series = new OrderedDictionary<(LogScope, string), RunSeries>();
        foreach (var record in LogFile.Read(path))
        {
            foreach (var (key, value) in record.Values)
            {
                if (!series.TryGetValue((record.Scope, key), out var one)) series.Add((record.Scope, key), one = new RunSeries(key, record.Scope));
                one.Add(new SeriesPoint(record.Step, record.Epoch, record.Elapsed.TotalSeconds, value));
            }
        }
        return [.. series.Values.OrderBy(s => s.Scope)];
    }

    /// <summary>The best value and where; null where none is a number.</summary>
    public SeriesPoint? Best(bool higherIsBetter)
    {
        SeriesPoint? best = null;
        foreach (var point in _points)
            if (!double.IsNaN(point.Value) && (best is null || (higherIsBetter ? point.Value > best.Value : point.Value < best.Value))) best = point;
        return best;
    }

    void Add(SeriesPoint point)
    {
        if (_seen++ % _stride == 0) _points.Add(point);
        if (_points.Count <= MaxPoints) return;
        var kept = (_points.Count + 1) / 2;
        for (var i = 0; i < kept; i++) _points[i] = _points[2 * i];
        _points.RemoveRange(kept, _points.Count - kept);
        _stride *= 2;
    }
}

/// <summary>A value and where the run was then.</summary>
/// <param name="Step">Optimizer steps done.</param>
/// <param name="Epoch">The epoch; the first is 0.</param>
/// <param name="Seconds">Training time.</param>
/// <param name="Value">The value.</param>
sealed record SeriesPoint(long Step, long Epoch, double Seconds, double Value);
