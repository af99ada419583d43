using System.Text.Json;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Wrappers;

/// <summary>Batches of the recording <c>wrappers</c>, made by eng/recordings/metrics_wrappers.py: classes 0 to 3.</summary>
sealed class WrapperBatches : IDisposable
{
    public static readonly Classification Task = Classification.Multiclass(4);

    public WrapperBatches() => All =
    [
        .. Recorded.GetProperty("batches").EnumerateArray().Select(b => new Comparison(b[0].Tensor(ScalarType.Int64), b[1].Tensor(ScalarType.Int64))),
    ];

    public JsonElement Recorded { get; } = Recording.Open("wrappers");

    public IReadOnlyList<Comparison> All { get; }

    /// <summary>Copies every state from one metric to a like one by name, as a checkpoint does.</summary>
    public static void Save(Metric from, Metric to)
    {
        var saved = from.Parts().ToDictionary(p => p.Path);
        foreach (var part in to.Parts())
            part.States.Load(saved[part.Path].States.ToDictionary(s => s.Name, s => s.Value), saved[part.Path].States.Updates);
    }

    public void Dispose()
    {
        foreach (var batch in All)
        {
            batch.Predictions.Dispose();
            batch.Targets.Dispose();
        }
    }
}
