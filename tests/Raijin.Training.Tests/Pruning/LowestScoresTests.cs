using CsCheck;
using Raijin.Collectives;
using static TorchSharp.torch;

namespace Raijin.Training.Tests.Pruning;

public sealed class LowestScoresTests
{
    // Few values, so that many are equal; -1 goes first, and the smallest numbers there are order too.
    static readonly float[] Values = [-1f, 0f, float.Epsilon, 0.5f, 0.50000006f, 1e30f, float.PositiveInfinity];

    static readonly Gen<float[]> Scores = Gen.Int[0, Values.Length - 1].Select(i => Values[i]).Array[0, 40];

    static bool[] Expected(float[][] scores, long count)
    {
        var all = scores.SelectMany(s => s).ToArray();
        var marked = new bool[all.Length];
        foreach (var index in Enumerable.Range(0, all.Length).OrderBy(i => all[i]).Take((int)count)) marked[index] = true;
        return marked;
    }

    [Fact]
    public void They_are_those_that_a_stable_sort_puts_first() => Gen.Select(Scores.Array[1, 4], Gen.Double.Unit).Sample((scores, share) =>
    {
        using var scope = NewDisposeScope();
        var count = (long)Math.Round(share * scores.Sum(s => s.Length));
        var marked = LowestScores.Mark([.. scores.Select(s => tensor(s))], [.. scores.Select(_ => false)], count, (_ => { }, 1, 0));
        Assert.Equal(Expected(scores, count), marked.SelectMany(m => m.data<bool>().ToArray()));
    }, iter: 200, threads: 1);

    [Fact]
    public void Ranks_with_parts_of_them_mark_the_same() => Gen.Select(Scores.Array[1, 3], Gen.Double.Unit, Gen.Int[1, 4], Gen.Bool.Array[3]).Sample((scores, share, ranks, divided) =>
    {
        var count = (long)Math.Round(share * scores.Sum(s => s.Length));
        var marked = World.Run(ranks, world =>
        {
            using var scope = NewDisposeScope();
            (int From, int To) Part(int i) => divided[i] ? (scores[i].Length * world.Rank / ranks, scores[i].Length * (world.Rank + 1) / ranks) : (0, scores[i].Length);
            var mine = scores.Select((s, i) => tensor(s[Part(i).From..Part(i).To])).ToList();
            return LowestScores.Mark(mine, divided[..scores.Length], count, (sum => world.Group.AllReduce(sum), ranks, world.Rank)).Select(m => m.data<bool>().ToArray()).ToArray();
        }, new GroupOptions { Deadline = TimeSpan.FromSeconds(30) });
        var whole = scores.Select((_, i) => divided[i] ? marked.SelectMany(m => m[i]) : marked[0][i]).SelectMany(m => m);
        Assert.Equal(Expected(scores, count), whole);
        foreach (var of in marked)
            for (var i = 0; i < scores.Length; i++)
                if (!divided[i]) Assert.Equal(marked[0][i], of[i]);
    }, iter: 60, threads: 1);
}
