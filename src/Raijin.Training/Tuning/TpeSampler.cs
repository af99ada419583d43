using Raijin.Training;

namespace Raijin;

// Bergstra, Bardenet, Bengio, Kégl 2011, "Algorithms for hyper-parameter optimization", §4, each option on its own: trials are split at the 15% quantile of
// their scores into good and bad; l and g are mixtures of densities around the good and the bad; of 24 draws from l the one of the highest l/g is tried, which is
// the one of the highest expected improvement. Cost: draws × trials density evaluations an option.
sealed record TpeSampler(int Startup) : TrialSampler
{
    const double GoodShare = 0.15;
    const int Draws = 24;

    public override IReadOnlyDictionary<string, string>? Next(SearchSpace space, int number, long seed, IReadOnlyList<TrialOutcome> ended, bool higherIsBetter)
    {
        ArgumentNullException.ThrowIfNull(space);
        ArgumentNullException.ThrowIfNull(ended);
        if (number < Startup || !ended.Any(outcome => outcome.Score is { } score && double.IsFinite(score))) return Random.Next(space, number, seed, ended, higherIsBetter);

        // A trial that failed says where not to look. Equals keep the order of their numbers.
        var ranked = ended.OrderBy(outcome => outcome.Score is { } score && double.IsFinite(score) ? (higherIsBetter ? -score : score) : double.PositiveInfinity).ToList();
        var good = Math.Max(1, (int)Math.Ceiling(GoodShare * ranked.Count));
        var random = Stream(seed, number);
        return space.ToDictionary(option => option.Key, option =>
        {
            var values = ranked.ConvertAll(outcome => outcome.Trial.Values[option.Key]);
            return option.Value.Choices.Count > 0
                ? DrawChoice(option.Value, values[..good], values[good..], random)
                : DrawNumber(option.Value, values[..good], values[good..], random);
        });
    }

    static string DrawNumber(SearchRange range, List<string> good, List<string> bad, RandomStream random)
    {
        var likely = new ParzenDensity(good.ConvertAll(range.PlaceOf));
        var unlikely = new ParzenDensity(bad.ConvertAll(range.PlaceOf));
        var (best, gain) = (0.5, double.NegativeInfinity);
        for (var draw = 0; draw < Draws; draw++)
        {
            var place = likely.Draw(random);
            var ratio = likely.At(place) / unlikely.At(place);
            if (ratio > gain) (best, gain) = (place, ratio);
        }
        return range.At(best);
    }

    static string DrawChoice(SearchRange range, List<string> good, List<string> bad, RandomStream random)
    {
        var likely = Shares(range, good);
        var unlikely = Shares(range, bad);
        var (best, gain) = (0, double.NegativeInfinity);
        for (var draw = 0; draw < Draws; draw++)
        {
            var index = Pick(likely, random.NextDouble());
            if (likely[index] / unlikely[index] > gain) (best, gain) = (index, likely[index] / unlikely[index]);
        }
        return range.Choices[best];
    }

    // One trial of each choice in advance, so that none is ever impossible.
    static double[] Shares(SearchRange range, List<string> values)
    {
        var shares = new double[range.Choices.Count];
        Array.Fill(shares, 1.0 / (values.Count + shares.Length));
        foreach (var value in values) shares[range.IndexOf(value)] += 1.0 / (values.Count + shares.Length);
        return shares;
    }

    static int Pick(double[] shares, double at)
    {
        for (var i = 0; i < shares.Length - 1; i++) if ((at -= shares[i]) < 0) return i;
        return shares.Length - 1;
    }
}
