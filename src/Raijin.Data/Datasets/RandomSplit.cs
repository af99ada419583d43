using System.Globalization;
using System.Runtime.CompilerServices;

namespace Raijin.Data;

/// <summary>Divides sample indices at random: the parts are disjoint and together everything. A pure function of its arguments.</summary>
sealed class RandomSplit
{
    public RandomSplit(long count, double validation, double test, ulong seed)
    {
        CheckShare(validation);
        CheckShare(test);

        var (numValidation, numTest) = (Share(validation), Share(test));
        var numTrain = count - numValidation - numTest;
        if (numTrain <= 0)
            throw new ArgumentOutOfRangeException(nameof(validation), validation, string.Create(CultureInfo.InvariantCulture,
                $"Of {count} samples {numValidation} are to validate and {numTest} to test on, which leaves none to train on: lower the shares."));

        var order = new RandomPermutation(count, LoaderStreams.Split(seed));
        Train = Part("train", 0, numTrain);
        Validation = validation > 0 ? Part("validation", numTrain, numValidation) : null;
        Test = test > 0 ? Part("test", numTrain + numValidation, numTest) : null;

        // A share that is wanted at all is never rounded to nothing.
        long Share(double share) => share == 0 ? 0 : Math.Max(1, (long)Math.Round(count * share));

        DatasetPart Part(string name, long first, long length)
        {
            var rows = new long[length];
            order.Fill(first, rows);
            // In the order of the whole set, so that a part read in order walks through memory in order.
            rows.AsSpan().Sort();
            return new(rows, string.Create(CultureInfo.InvariantCulture, $"{name} part of {count} split {validation}/{test} by seed {seed}"));
        }
    }

    // Written so that NaN is refused too.
    static void CheckShare(double share, [CallerArgumentExpression(nameof(share))] string? name = null)
    {
        if (!(share >= 0 && share < 1))
            throw new ArgumentOutOfRangeException(name, share, "A share of the samples is expected: 0 (none) up to 1, 1 excluded.");
    }

    public DatasetPart Train { get; }

    public DatasetPart? Validation { get; }

    public DatasetPart? Test { get; }
}
