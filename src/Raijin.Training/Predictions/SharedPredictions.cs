using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace Raijin.Training;

/// <summary>Brings the answers of all ranks to the first one, which writes them in the order of the data: ranks take parts of each common batch in their order.</summary>
/// <remarks>Every rank calls <see cref="Write"/> or <see cref="Pass"/> for each common batch.</remarks>
sealed class SharedPredictions(Peers peers, PredictionWriter writer)
{
    public void Write(EvalStep step, Tensor prediction)
    {
        using var scope = NewDisposeScope();
        Exchange(step, prediction.detach());
    }

    /// <summary>This rank has no batch, others have.</summary>
    public void Pass()
    {
        using var scope = NewDisposeScope();
        Exchange(null, zeros(0));
    }

    void Exchange(EvalStep? step, Tensor mine)
    {
        var said = step is null ? "" : new JsonObject { ["loader"] = step.Loader, ["index"] = step.Index, ["shape"] = new JsonArray([.. mine.shape.Select(size => (JsonNode)size)]) }.ToJsonString();
        var all = peers.Gather(said);
        var values = peers.Join(mine.to(ScalarType.Float32).contiguous().reshape(-1));
        if (!peers.IsFirst) return;
        var at = 0L;
        foreach (var text in all)
        {
            if (text.Length == 0) continue;
            var about = JsonNode.Parse(text)!;
            var shape = about["shape"]!.AsArray().Select(size => (long)size!).ToArray();
            var length = shape.Aggregate(1L, (product, size) => product * size);
            writer.Write(Step(about), values.narrow(0, at, length).reshape(shape));
            at += length;
        }
    }

    static EvalStep Step(JsonNode about)
    {
        var step = new EvalStep(EvalPhase.Predict, null, TensorScope.Open());
        step.Begin((string)about["loader"]!);
        step.Index = (long)about["index"]!;
        return step;
    }
}
