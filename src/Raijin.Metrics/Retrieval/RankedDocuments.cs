// Three lists of one length: scores and relevance in float64 (any input orders and ties as it did), queries. They are sorted once when asked, by query
// and falling score, on the device they lie on; the sorted lists stay in the states, so that the next metric over them finds them sorted.

using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.Metrics;

/// <summary>All documents: a ranking is known only when its query is complete.</summary>
/// <param name="IgnoreIndex">Documents of this relevance are left out; null: none.</param>
sealed record RankedDocuments(long? IgnoreIndex) : Accumulation<Retrieved>
{
    const int Scores = 0, Relevance = 1, Queries = 2;
    const int NotANumber = 0, Negative = 1;

    public override void Declare(MetricStates states)
    {
        states.Add("scores", Reduction.Concatenate, zeros([0], ScalarType.Float64));
        states.Add("relevance", Reduction.Concatenate, zeros([0], ScalarType.Float64));
        states.Add("queries", Reduction.Concatenate, zeros([0], ScalarType.Int64));
        states.AddFaults("scores that are numbers", "relevance of 0 or more");
    }

    public override void Check(in Retrieved batch)
    {
        var shape = HostTensor.Sizes(batch.Scores);
        if (!batch.Scores.is_floating_point()) ShapeMismatchException.Throw("scores", "a floating type", ShapeText.Of(batch.Scores));
        if (!HostTensor.Sizes(batch.Relevance).SequenceEqual(shape) || batch.Relevance.is_complex())
            ShapeMismatchException.Throw("relevance", $"{ShapeText.Of(shape)}, as the scores", ShapeText.Of(batch.Relevance));
        if (!HostTensor.Sizes(batch.Queries).SequenceEqual(shape) || !batch.Queries.is_integral())
            ShapeMismatchException.Throw("queries", $"{ShapeText.Of(shape)} integers, as the scores", ShapeText.Of(batch.Queries));
    }

    protected internal override bool TryAddOnHost(MetricStates states, in Retrieved batch)
    {
        if (!HostTensor.TryOpen(batch.Scores, out var scores)) return false;
        using (scores)
        {
            if (!HostTensor.TryOpen(batch.Relevance, out var relevance)) return false;
            using (relevance)
            {
                if (!HostTensor.TryOpen(batch.Queries, out var queries)) return false;
                using (queries) return TryAdd(states, scores, relevance, queries);
            }
        }
    }

    bool TryAdd(MetricStates states, HostTensor scores, HostTensor relevance, HostTensor queries)
    {
        const int Chunk = 256;
        if (queries.DType is not (ScalarType.Int64 or ScalarType.Int32)) return false;
        Span<double> score = stackalloc double[Chunk], grade = stackalloc double[Chunk];
        Span<long> query = stackalloc long[Chunk];
        var (notANumber, negative, firstNegative) = (0L, 0L, 0.0);
        for (long start = 0; start < scores.NumElements; start += Chunk)
        {
            var count = (int)Math.Min(Chunk, scores.NumElements - start);
            HostNumbers.Read(scores, start, score[..count]);
            HostNumbers.Read(relevance, start, grade[..count]);
            if (queries.DType == ScalarType.Int64) queries.Slice<long>(start, count).CopyTo(query);
            else Widen(queries.Slice<int>(start, count), query);
            var kept = 0;
            for (var i = 0; i < count; i++)
            {
                if (grade[i] == IgnoreIndex) continue;
                if (double.IsNaN(score[i])) notANumber++;
                if (!(grade[i] >= 0) && negative++ == 0) firstNegative = grade[i];
                (score[kept], grade[kept], query[kept]) = (score[i], grade[i], query[i]);
                kept++;
            }
            states[Scores].Append<double>(score[..kept]);
            states[Relevance].Append<double>(grade[..kept]);
            states[Queries].Append<long>(query[..kept]);
        }
        states.Faults!.Note(NotANumber, notANumber, double.NaN);
        states.Faults.Note(Negative, negative, firstNegative);
        return true;
    }

    static void Widen(ReadOnlySpan<int> narrow, Span<long> wide)
    {
        for (var i = 0; i < narrow.Length; i++) wide[i] = narrow[i];
    }

    protected internal override void Add(MetricStates states, in Retrieved batch)
    {
        var scores = batch.Scores.reshape(-1);
        var relevance = batch.Relevance.reshape(-1).to(ScalarType.Float64, scores.device);
        var isGrade = relevance.ge(0);                                                                // false for NaN too
        var isNumber = scores.isnan().logical_not();
        if (IgnoreIndex is { } ignored)
        {
            // Leaving documents out would need their number, and so a wait: they are marked.
            var isIgnored = relevance.eq(ignored);
            relevance = relevance.masked_fill(isIgnored, double.NaN);
            isGrade = isGrade.logical_or(isIgnored);
            isNumber = isNumber.logical_or(isIgnored);
        }
        states.Faults!.Note(NotANumber, isNumber.logical_not(), scores);
        states.Faults.Note(Negative, isGrade.logical_not(), relevance);
        states[Scores].Append(scores);
        states[Relevance].Append(relevance);
        states[Queries].Append(batch.Queries.reshape(-1));
    }

    /// <summary>Leaves ignored documents out and sorts the rest by query and falling score, where that was not done yet. Equal scores keep the order they came in.</summary>
    public static void Sort(MetricStates states)
    {
        using var scope = NewDisposeScope();
        var kept = states[Relevance].Value.isnan().logical_not();
        if (!kept.all().item<bool>()) Choose(states, kept.nonzero().squeeze(1));

        var (scores, queries, n) = (states[Scores].Value, states[Queries].Value, states[Scores].Rows);
        if (n < 2) return;
        var (query, next) = (queries.narrow(0, 0, n - 1), queries.narrow(0, 1, n - 1));
        var inOrder = next.gt(query).logical_or(next.eq(query).logical_and(scores.narrow(0, 1, n - 1).le(scores.narrow(0, 0, n - 1))));
        if (inOrder.all().item<bool>()) return;
        var (_, byScore) = scores.sort(descending: true, stable: true);
        var (_, byQuery) = queries.index_select(0, byScore).sort(stable: true);
        Choose(states, byScore.index_select(0, byQuery));
    }

    static void Choose(MetricStates states, Tensor order)
    {
        for (var i = Scores; i <= Queries; i++) states[i].Set(states[i].Value.index_select(0, order));
    }
}
