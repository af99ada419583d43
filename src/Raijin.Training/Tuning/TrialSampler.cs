namespace Raijin;

/// <summary>Chooses what a search tries next. A pure function of the space, the trial's number and the trials that ended: a search that was interrupted goes on with the same trials.</summary>
public abstract record TrialSampler
{
    /// <summary>The values of trial <paramref name="number"/>; null when there is nothing left to try.</summary>
    /// <param name="space">What may be changed.</param>
    /// <param name="number">From 0.</param>
    /// <param name="seed">The search's seed.</param>
    /// <param name="ended">Trials that have ended, in the order of their numbers.</param>
    /// <param name="higherIsBetter">Which way a score is better.</param>
    public abstract IReadOnlyDictionary<string, string>? Next(SearchSpace space, int number, long seed, IReadOnlyList<TrialOutcome> ended, bool higherIsBetter);

    /// <summary>Draws every option on its own, from its whole range.</summary>
    public static TrialSampler Random { get; } = new RandomSampler();

    /// <summary>Tries every combination of the choices, and of <paramref name="points"/> places of each range.</summary>
    public static TrialSampler Grid(int points = 5)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(points);
        return new GridSampler(points);
    }

    /// <summary>
    /// Bayesian: models where good trials lie and where bad ones do, and tries what is likely under the former and not the latter (a tree-structured Parzen estimator, Bergstra et
    /// al. 2011). The first <paramref name="startup"/> trials are random.
    /// </summary>
    public static TrialSampler Tpe(int startup = 10)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(startup);
        return new TpeSampler(startup);
    }

    private protected static RandomStream Stream(long seed, int number) => new((ulong)seed, (ulong)number);

    sealed record RandomSampler : TrialSampler
    {
        public override IReadOnlyDictionary<string, string> Next(SearchSpace space, int number, long seed, IReadOnlyList<TrialOutcome> ended, bool higherIsBetter)
        {
            ArgumentNullException.ThrowIfNull(space);
            var random = Stream(seed, number);
            return space.ToDictionary(option => option.Key, option => option.Value.At(random.NextDouble()));
        }
    }

    sealed record GridSampler(int Points) : TrialSampler
    {
        // A number's digits, in the mixed radix of the options' counts; the last option changes fastest.
        public override IReadOnlyDictionary<string, string>? Next(SearchSpace space, int number, long seed, IReadOnlyList<TrialOutcome> ended, bool higherIsBetter)
        {
            ArgumentNullException.ThrowIfNull(space);
            var values = new Dictionary<string, string>();
            var rest = number;
            foreach (var (name, range) in space.Reverse())
            {
                var grid = range.Grid(Points);
                values[name] = grid[rest % grid.Count];
                rest /= grid.Count;
            }
            return rest > 0 ? null : space.ToDictionary(option => option.Key, option => values[option.Key]);
        }
    }
}
