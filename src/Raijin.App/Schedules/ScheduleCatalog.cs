using System.CommandLine;

namespace Raijin.App;

/// <summary>All schedules that numbers alone describe; what is made of code or of other schedules has no place on a command line.</summary>
static class ScheduleCatalog
{
    const string MinimumText = "Where it ends, a share of the base rate";
    const string RunText = "Updates it takes (default: the run's)";
    const string WarmupText = "Updates of the rise";
    const string MomentumLow = "Momentum at the highest rate";
    const string MomentumHigh = "Momentum at the lowest rate";

    /// <summary>A fresh list of entries.</summary>
    public static IReadOnlyList<ScheduleEntry> All() =>
    [
        new Constant(), new StepDecay(), new MultiStep(), new Exponential(), new Linear(), new Hold(), new Polynomial(), new Cosine(), new CosineRestarts(), new OneCycle(), new Cyclic(), new Swa(),
        new Warmup(), new WarmupLinear(), new WarmupCosine(), new WarmupInverseSquareRoot(), new WarmupStableDecay(), new Trapezoid(),
        new DeepSpeedRangeTest(), new DeepSpeedOneCycle(), new DeepSpeedWarmup(), new DeepSpeedWarmupDecay(), new DeepSpeedWarmupCosine(),
    ];

    sealed record Constant() : ScheduleEntry("constant", "Schedules.Constant", "The base rate throughout")
    {
        public override LearningRateSchedule Make(ParseResult typed) => Schedules.Constant;
    }

    sealed record StepDecay : ScheduleEntry
    {
        readonly Option<long> _every;
        readonly Option<double> _factor;

        public StepDecay() : base("step-decay", "Schedules.StepDecay", "Multiplied by a factor after each so many updates") =>
            (_every, _factor) = (Required<long>("--every", "Updates between two reductions"), Add("--factor", "What the rate is multiplied by", 0.1));

        public override LearningRateSchedule Make(ParseResult typed) => Schedules.StepDecay(typed.GetValue(_every), typed.GetValue(_factor));
    }

    sealed record MultiStep : ScheduleEntry
    {
        readonly Option<long[]> _at;
        readonly Option<double> _factor;

        public MultiStep() : base("multi-step", "Schedules.MultiStep", "Multiplied by a factor at each milestone")
        {
            (_at, _factor) = (Required<long[]>("--at", "The milestones, in updates: --at 30 60 90"), Add("--factor", "What the rate is multiplied by", 0.1));
            _at.AllowMultipleArgumentsPerToken = true;
        }

        public override LearningRateSchedule Make(ParseResult typed) => Schedules.MultiStep(typed.GetValue(_at)!, typed.GetValue(_factor));
    }

    sealed record Exponential : ScheduleEntry
    {
        readonly Option<double> _factor;

        public Exponential() : base("exponential", "Schedules.Exponential", "Multiplied by a factor after each update") => _factor = Required<double>("--factor", "What the rate is multiplied by");

        public override LearningRateSchedule Make(ParseResult typed) => Schedules.Exponential(typed.GetValue(_factor));
    }

    sealed record Linear : ScheduleEntry
    {
        readonly Option<double> _from;
        readonly Option<double> _to;
        readonly Option<long?> _over;

        public Linear() : base("linear", "Schedules.Linear", "In equal steps from one factor to another") =>
            (_from, _to, _over) = (Add("--from", "The first factor", 1.0 / 3), Add("--to", "The last factor", 1.0), Add<long?>("--over", RunText));

        public override LearningRateSchedule Make(ParseResult typed) => Schedules.Linear(typed.GetValue(_from), typed.GetValue(_to), typed.GetValue(_over));
    }

    sealed record Hold : ScheduleEntry
    {
        readonly Option<double> _factor;
        readonly Option<long> _for;

        public Hold() : base("hold", "Schedules.Hold", "A factor for the first updates, then the base rate") =>
            (_factor, _for) = (Add("--factor", "The factor", 1.0 / 3), Add("--for", "Updates it holds for", 5L));

        public override LearningRateSchedule Make(ParseResult typed) => Schedules.Hold(typed.GetValue(_factor), typed.GetValue(_for));
    }

    sealed record Polynomial : ScheduleEntry
    {
        readonly Option<double> _power;
        readonly Option<long?> _over;

        public Polynomial() : base("polynomial", "Schedules.Polynomial", "A power of the share of updates still to come") => (_power, _over) = (Add("--power", "The exponent", 1.0), Add<long?>("--over", RunText));

        public override LearningRateSchedule Make(ParseResult typed) => Schedules.Polynomial(typed.GetValue(_power), typed.GetValue(_over));
    }

    sealed record Cosine : ScheduleEntry
    {
        readonly Option<long?> _over;
        readonly Option<double> _minimum;

        public Cosine() : base("cosine", "Schedules.Cosine", "Half a cosine down") => (_over, _minimum) = (Add<long?>("--over", RunText), Add("--minimum", MinimumText, 0.0));

        public override LearningRateSchedule Make(ParseResult typed) => Schedules.Cosine(typed.GetValue(_over), typed.GetValue(_minimum));
    }

    sealed record CosineRestarts : ScheduleEntry
    {
        readonly Option<long> _first;
        readonly Option<int> _multiplier;
        readonly Option<double> _minimum;

        public CosineRestarts() : base("cosine-restarts", "Schedules.CosineRestarts", "Half a cosine down, again and again") =>
            (_first, _multiplier, _minimum) = (Required<long>("--first", "Updates until the first restart"), Add("--multiplier", "How many times as long each period is as the one before", 1), Add("--minimum", MinimumText, 0.0));

        public override LearningRateSchedule Make(ParseResult typed) => Schedules.CosineRestarts(typed.GetValue(_first), typed.GetValue(_multiplier), typed.GetValue(_minimum));
    }

    sealed record OneCycle : ScheduleEntry
    {
        readonly Option<long?> _over;
        readonly Option<double> _rise;
        readonly Option<double> _divisor;
        readonly Option<double> _finalDivisor;
        readonly Option<Anneal> _anneal;
        readonly Option<bool> _threePhases;
        readonly Option<double> _minMomentum;
        readonly Option<double> _maxMomentum;

        public OneCycle() : base("one-cycle", "Schedules.OneCycle", "Once up and down, the momentum the other way")
        {
            _over = Add<long?>("--over", RunText);
            _rise = Add("--rise", "The share of it in which the rate rises", 0.3);
            _divisor = Add("--divisor", "The first rate is the base rate divided by this", 25.0);
            _finalDivisor = Add("--final-divisor", "The last rate is the first divided by this", 1e4);
            _anneal = Add("--anneal", "How it goes from rate to rate", Anneal.Cosine);
            _threePhases = Add("--three-phases", "Come down to the first rate before going to the last", false);
            _minMomentum = Add("--min-momentum", MomentumLow, 0.85);
            _maxMomentum = Add("--max-momentum", MomentumHigh, 0.95);
        }

        public override LearningRateSchedule Make(ParseResult typed) => Schedules.OneCycle(
            typed.GetValue(_over), typed.GetValue(_rise), typed.GetValue(_divisor), typed.GetValue(_finalDivisor), typed.GetValue(_anneal), typed.GetValue(_threePhases),
            minMomentum: typed.GetValue(_minMomentum), maxMomentum: typed.GetValue(_maxMomentum));
    }

    sealed record Cyclic : ScheduleEntry
    {
        readonly Option<double> _minimum;
        readonly Option<long> _up;
        readonly Option<long?> _down;
        readonly Option<CyclicShape> _shape;
        readonly Option<double> _decay;
        readonly Option<double> _minMomentum;
        readonly Option<double> _maxMomentum;

        public Cyclic() : base("cyclic", "Schedules.Cyclic", "Up and down for ever, the momentum the other way")
        {
            _minimum = Required<double>("--minimum", "Where a cycle starts and ends, a share of the base rate");
            _up = Add("--up", WarmupText, 2000L);
            _down = Add<long?>("--down", "Updates of the fall (default: as many)");
            _shape = Add("--shape", "How the height of the cycles changes", CyclicShape.Triangular);
            _decay = Add("--decay", "For the exponential shape: the height at update n is this to the power n", 1.0);
            _minMomentum = Add("--min-momentum", MomentumLow, 0.8);
            _maxMomentum = Add("--max-momentum", MomentumHigh, 0.9);
        }

        public override LearningRateSchedule Make(ParseResult typed) => Schedules.Cyclic(
            typed.GetValue(_minimum), typed.GetValue(_up), typed.GetValue(_down), typed.GetValue(_shape), typed.GetValue(_decay),
            minMomentum: typed.GetValue(_minMomentum), maxMomentum: typed.GetValue(_maxMomentum));
    }

    sealed record Swa : ScheduleEntry
    {
        readonly Option<long> _start;
        readonly Option<double> _rate;
        readonly Option<long> _over;
        readonly Option<Anneal> _anneal;

        public Swa() : base("swa", "Schedules.Swa", "The base rate, then to the constant rate of weight averaging") =>
            (_start, _rate, _over, _anneal) = (
                Required<long>("--start", "The last update with the base rate"), Required<double>("--rate", "The constant rate, as a multiple of the base rate"),
                Add("--over", "Updates until it is reached", 10L), Add("--anneal", "How it gets there", Anneal.Cosine));

        public override LearningRateSchedule Make(ParseResult typed) => Schedules.Swa(Schedules.Constant, typed.GetValue(_start), typed.GetValue(_rate), typed.GetValue(_over), typed.GetValue(_anneal));
    }

    sealed record Warmup : ScheduleEntry
    {
        readonly Option<long> _warmup;

        public Warmup() : base("warmup", "Schedules.Warmup", "Linear up, then the base rate") => _warmup = Required<long>("--warmup", WarmupText);

        public override LearningRateSchedule Make(ParseResult typed) => Schedules.Warmup(typed.GetValue(_warmup));
    }

    sealed record WarmupLinear : ScheduleEntry
    {
        readonly Option<long> _warmup;
        readonly Option<double> _minimum;

        public WarmupLinear() : base("warmup-linear", "Schedules.WarmupLinear", "Linear up, linear down") => (_warmup, _minimum) = (Required<long>("--warmup", WarmupText), Add("--minimum", MinimumText, 0.0));

        public override LearningRateSchedule Make(ParseResult typed) => Schedules.WarmupLinear(typed.GetValue(_warmup), typed.GetValue(_minimum));
    }

    sealed record WarmupCosine : ScheduleEntry
    {
        readonly Option<long> _warmup;
        readonly Option<double> _minimum;

        public WarmupCosine() : base("warmup-cosine", "Schedules.WarmupCosine", "Linear up, half a cosine down") => (_warmup, _minimum) = (Required<long>("--warmup", WarmupText), Add("--minimum", MinimumText, 0.0));

        public override LearningRateSchedule Make(ParseResult typed) => Schedules.WarmupCosine(typed.GetValue(_warmup), typed.GetValue(_minimum));
    }

    sealed record WarmupInverseSquareRoot : ScheduleEntry
    {
        readonly Option<long> _warmup;

        public WarmupInverseSquareRoot() : base("warmup-inverse-square-root", "Schedules.WarmupInverseSquareRoot", "Linear up, then with the inverse square root of the updates") => _warmup = Required<long>("--warmup", WarmupText);

        public override LearningRateSchedule Make(ParseResult typed) => Schedules.WarmupInverseSquareRoot(typed.GetValue(_warmup));
    }

    sealed record WarmupStableDecay : ScheduleEntry
    {
        readonly Option<long> _warmup;
        readonly Option<long> _decay;
        readonly Option<double> _minimum;
        readonly Option<Anneal> _anneal;

        public WarmupStableDecay() : base("warmup-stable-decay", "Schedules.WarmupStableDecay", "Linear up, the base rate, down in the run's last updates (WSD)") =>
            (_warmup, _decay, _minimum, _anneal) = (
                Required<long>("--warmup", WarmupText), Required<long>("--decay", "Updates of the fall"), Add("--minimum", MinimumText, 0.0), Add("--anneal", "How it falls", Anneal.SquareRoot));

        public override LearningRateSchedule Make(ParseResult typed) => Schedules.WarmupStableDecay(typed.GetValue(_warmup), typed.GetValue(_decay), typed.GetValue(_minimum), typed.GetValue(_anneal));
    }

    sealed record Trapezoid : ScheduleEntry
    {
        readonly Option<long> _warmup;
        readonly Option<long> _decay;
        readonly Option<double> _minimum;

        public Trapezoid() : base("trapezoid", "Schedules.Trapezoid", "Linear up, the base rate, linear down in the run's last updates") =>
            (_warmup, _decay, _minimum) = (Required<long>("--warmup", WarmupText), Required<long>("--decay", "Updates of the fall"), Add("--minimum", MinimumText, 0.0));

        public override LearningRateSchedule Make(ParseResult typed) => Schedules.Trapezoid(typed.GetValue(_warmup), typed.GetValue(_decay), typed.GetValue(_minimum));
    }

    sealed record DeepSpeedRangeTest : ScheduleEntry
    {
        readonly Option<long> _every;
        readonly Option<double> _rate;
        readonly Option<bool> _staircase;

        public DeepSpeedRangeTest() : base("deepspeed-range-test", "DeepSpeedSchedules.RangeTest", "DeepSpeed's LRRangeTest: ever higher, from the base rate on") =>
            (_every, _rate, _staircase) = (Add("--every", "Updates in which the factor grows by the rate", 2000L), Add("--rate", "How much it grows in them", 1.0), Add("--staircase", "Grow all at once at the end of them", false));

        public override LearningRateSchedule Make(ParseResult typed) => DeepSpeedSchedules.RangeTest(typed.GetValue(_every), typed.GetValue(_rate), typed.GetValue(_staircase));
    }

    sealed record DeepSpeedOneCycle : ScheduleEntry
    {
        readonly Option<double> _minimum;
        readonly Option<long> _up;
        readonly Option<long?> _down;
        readonly Option<int> _upStairs;
        readonly Option<int?> _downStairs;
        readonly Option<long> _decayEvery;
        readonly Option<double> _decayRate;
        readonly Option<double> _minMomentum;
        readonly Option<double> _maxMomentum;
        readonly Option<double> _momentumDecay;

        public DeepSpeedOneCycle() : base("deepspeed-one-cycle", "DeepSpeedSchedules.OneCycle", "DeepSpeed's OneCycle: once up and down, then a decay")
        {
            _minimum = Required<double>("--minimum", "The lowest rate of the cycle, a share of the base rate");
            _up = Add("--up", WarmupText, 2000L);
            _down = Add<long?>("--down", "Updates of the fall (default: as many)");
            _upStairs = Add("--up-stairs", "In how many stairs it rises; 0 for none", 0);
            _downStairs = Add<int?>("--down-stairs", "In how many it falls (default: as many)");
            _decayEvery = Add("--decay-every", "After the cycle, the updates the decay rates are for; 0 for no decay", 0L);
            _decayRate = Add("--decay-rate", "How the rate decays after the cycle", 0.0);
            _minMomentum = Add("--min-momentum", MomentumLow, 0.8);
            _maxMomentum = Add("--max-momentum", MomentumHigh, 0.9);
            _momentumDecay = Add("--momentum-decay-rate", "How the momentum grows after the cycle", 0.0);
        }

        public override LearningRateSchedule Make(ParseResult typed) => DeepSpeedSchedules.OneCycle(
            typed.GetValue(_minimum), typed.GetValue(_up), typed.GetValue(_down), typed.GetValue(_upStairs), typed.GetValue(_downStairs), typed.GetValue(_decayEvery), typed.GetValue(_decayRate),
            minMomentum: typed.GetValue(_minMomentum), maxMomentum: typed.GetValue(_maxMomentum), momentumDecayRate: typed.GetValue(_momentumDecay));
    }

    sealed record DeepSpeedWarmup : ScheduleEntry
    {
        readonly Option<long> _warmup;
        readonly Option<double> _minimum;
        readonly Option<WarmupGrowth> _growth;

        public DeepSpeedWarmup() : base("deepspeed-warmup", "DeepSpeedSchedules.Warmup", "DeepSpeed's WarmupLR") =>
            (_warmup, _minimum, _growth) = (Add("--warmup", WarmupText, 1000L), Add("--minimum", "Where it starts, a share of the base rate", 0.0), Add("--growth", "How it rises", WarmupGrowth.Logarithmic));

        public override LearningRateSchedule Make(ParseResult typed) => DeepSpeedSchedules.Warmup(typed.GetValue(_warmup), typed.GetValue(_minimum), typed.GetValue(_growth));
    }

    sealed record DeepSpeedWarmupDecay : ScheduleEntry
    {
        readonly Option<long> _warmup;
        readonly Option<double> _minimum;
        readonly Option<WarmupGrowth> _growth;
        readonly Option<long?> _over;

        public DeepSpeedWarmupDecay() : base("deepspeed-warmup-decay", "DeepSpeedSchedules.WarmupDecay", "DeepSpeed's WarmupDecayLR") =>
            (_warmup, _minimum, _growth, _over) = (
                Add("--warmup", WarmupText, 1000L), Add("--minimum", "Where it starts and ends, a share of the base rate", 0.0), Add("--growth", "How it rises", WarmupGrowth.Logarithmic), Add<long?>("--over", RunText));

        public override LearningRateSchedule Make(ParseResult typed) => DeepSpeedSchedules.WarmupDecay(typed.GetValue(_warmup), typed.GetValue(_minimum), typed.GetValue(_growth), typed.GetValue(_over));
    }

    sealed record DeepSpeedWarmupCosine : ScheduleEntry
    {
        readonly Option<long> _warmup;
        readonly Option<double> _warmupMinimum;
        readonly Option<double> _cosineMinimum;
        readonly Option<WarmupGrowth> _growth;
        readonly Option<long?> _over;

        public DeepSpeedWarmupCosine() : base("deepspeed-warmup-cosine", "DeepSpeedSchedules.WarmupCosine", "DeepSpeed's WarmupCosineLR") =>
            (_warmup, _warmupMinimum, _cosineMinimum, _growth, _over) = (
                Add("--warmup", WarmupText, 1000L), Add("--warmup-minimum", "Where it starts, a share of the base rate", 0.0), Add("--cosine-minimum", MinimumText, 1e-4),
                Add("--growth", "How it rises", WarmupGrowth.Logarithmic), Add<long?>("--over", RunText));

        public override LearningRateSchedule Make(ParseResult typed) =>
            DeepSpeedSchedules.WarmupCosine(typed.GetValue(_warmup), typed.GetValue(_warmupMinimum), typed.GetValue(_cosineMinimum), typed.GetValue(_growth), typed.GetValue(_over));
    }
}
