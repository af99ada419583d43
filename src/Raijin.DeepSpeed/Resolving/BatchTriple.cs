namespace Raijin.DeepSpeed;

// train_batch_size = train_micro_batch_size_per_gpu × gradient_accumulation_steps × ranks

/// <summary>The three batch sizes of a run; two give the third.</summary>
readonly record struct BatchTriple(long Train, long Micro, long Accumulation)
{
    // No batch is larger, and products stay within a long.
    const long Largest = 1L << 40;

    /// <summary>Completes what is given.</summary>
    /// <param name="train">Samples of a step over all ranks; null when not given.</param>
    /// <param name="micro">Samples of a forward pass of one rank; null when not given.</param>
    /// <param name="accumulation">Forward passes of a step; null when not given.</param>
    /// <param name="ranks">How many ranks see other samples.</param>
    /// <param name="problem">What can't be, with the equation; null for nothing.</param>
    public static BatchTriple Of(long? train, long? micro, long? accumulation, int ranks, out string? problem)
    {
        problem = null;
        if (train > Largest || micro > Largest || accumulation > Largest)
        {
            problem = FormattableString.Invariant($"{Math.Max(train ?? 0, Math.Max(micro ?? 0, accumulation ?? 0))} is beyond the largest batch of {Largest}");
            return default;
        }
        switch (train, micro, accumulation)
        {
            case ({ } t, { } m, { } a):
                if ((Int128)m * a * ranks != t) problem = FormattableString.Invariant($"{Equation}: {t} ≠ {m} × {a} × {ranks} = {(Int128)m * a * ranks}. Leave one of the three out, or {Fitting(t, m, ranks, 'g')}");
                return new(t, m, a);
            case ({ } t, { } m, null):
                var steps = t / m / ranks;
                if ((Int128)steps * m * ranks != t) problem = FormattableString.Invariant($"{Equation}: no whole accumulation makes {t} = {m} × ? × {ranks}. {Fitting(t, m, ranks, 'G')}");
                return new(t, m, steps);
            case ({ } t, null, { } a):
                var share = t / ranks / a;
                if ((Int128)share * a * ranks != t) problem = FormattableString.Invariant($"{Equation}: no whole microbatch makes {t} = ? × {a} × {ranks}. Give a multiple of {(Int128)a * ranks}");
                return new(t, share, a);
            case (null, { } m, var a):
                var product = (Int128)m * (a ?? 1) * ranks;
                if (product > Largest) problem = FormattableString.Invariant($"{Equation}: {m} × {a ?? 1} × {ranks} is beyond the largest batch of {Largest}");
                return new((long)Int128.Min(product, Largest), m, a ?? 1);
            case ({ } t, null, null):
                if (t % ranks != 0) problem = FormattableString.Invariant($"{Equation}: no whole microbatch makes {t} = ? × 1 × {ranks}. Give a multiple of {ranks}");
                return new(t, t / ranks, 1);
            default:
                problem = $"neither train_batch_size nor train_micro_batch_size_per_gpu is given. {Equation}: two of the three are needed, or one batch size; \"train_micro_batch_size_per_gpu\": \"auto\" takes the run's own";
                return default;
        }
    }

    const string Equation = "train_batch_size = train_micro_batch_size_per_gpu × gradient_accumulation_steps × ranks";

    static string Fitting(long train, long micro, int ranks, char give)
    {
        var unit = (Int128)micro * ranks;
        var below = train / unit * unit;
        return below == 0 ? FormattableString.Invariant($"{give}ive train_batch_size {unit}, or fewer ranks") : below == train ? FormattableString.Invariant($"{give}ive gradient_accumulation_steps {train / unit}") : FormattableString.Invariant($"{give}ive train_batch_size {below} or {below + unit}");
    }
}
