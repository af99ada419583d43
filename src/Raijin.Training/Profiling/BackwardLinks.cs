using Raijin.Tensors;

namespace Raijin.Training;

/// <summary>An op and the backward node it made.</summary>
readonly record struct BackwardLink(OpRecord Op, int OpThread, OpRecord Node, int NodeThread);

/// <summary>Which op made which backward node: both carry one sequence number.</summary>
static class BackwardLinks
{
    /// <summary>The links of a recording, in the order of the nodes. Nodes whose op was not recorded have none.</summary>
    public static IEnumerable<BackwardLink> Of(OpTrace trace)
    {
        // An op carries the number the next node will get; of several with one number the last begun is the one that made it.
        var makers = new Dictionary<long, (OpRecord Op, int Thread)>();
        foreach (var thread in trace.Threads)
        {
            var insideUntil = long.MinValue;
            foreach (var op in thread.Records)
            {
                if (op.Kind == OpKind.BackwardNode) insideUntil = Math.Max(insideUntil, op.Ended);
                else if (op.Sequence >= 0 && op.Began >= insideUntil) makers[op.Sequence] = (op, thread.ThreadId);
            }
        }
        foreach (var thread in trace.Threads)
            foreach (var node in thread.Records)
                if (node.Kind == OpKind.BackwardNode && node.Sequence >= 0 && makers.TryGetValue(node.Sequence, out var maker) && maker.Op.Began < node.Began)
                    yield return new BackwardLink(maker.Op, maker.Thread, node, thread.ThreadId);
    }
}
