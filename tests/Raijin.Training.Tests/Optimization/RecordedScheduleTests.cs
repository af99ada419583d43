using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Raijin.Training.Tests.Optimization;

/// <summary>Schedules against PyTorch's schedulers as they ran, and DeepSpeed's formulas in float64 (eng/recordings/schedules.py).</summary>
public sealed class RecordedScheduleTests
{
    const double Tolerance = 1e-12;

    static readonly Recording Recorded = Recording.Read();

    static readonly Dictionary<string, LearningRateSchedule> Ours = new(StringComparer.Ordinal)
    {
        ["step/30"] = Schedules.StepDecay(30, 0.5),
        ["step/7"] = Schedules.StepDecay(7, 0.9),
        ["multistep"] = Schedules.MultiStep([50, 120, 120, 300], 0.3),
        ["exponential/0.99"] = Schedules.Exponential(0.99),
        ["exponential/1.01"] = Schedules.Exponential(1.01),
        ["linear/third"] = Schedules.Linear(steps: 5),
        ["linear/down"] = Schedules.Linear(1, 0.05, 350),
        ["constant"] = Schedules.Hold(0.25, 40),
        ["polynomial/1"] = Schedules.Polynomial(steps: 300),
        ["polynomial/2.5"] = Schedules.Polynomial(2.5, 350),
        ["cosine/400"] = Schedules.Cosine(minimum: 0.01),
        ["cosine/60 and back"] = Schedules.Cosine(60, 0.1),
        ["cosine/to 0"] = Schedules.Cosine(200),
        ["restarts/50"] = Schedules.CosineRestarts(50),
        ["restarts/10x2"] = Schedules.CosineRestarts(10, 2, 0.02),
        ["restarts/5x3"] = Schedules.CosineRestarts(5, 3, 0.5),
        ["lambda"] = Schedules.Lambda(n => 1 / (1 + 0.1 * n)),
        ["multiplicative"] = Schedules.Multiplicative(n => 1 - 0.2 / (n + 3)),
        ["onecycle/cosine"] = Schedules.OneCycle(401),
        ["onecycle/linear"] = Schedules.OneCycle(301, 0.25, 10, 100, Anneal.Linear, minMomentum: 0.7, maxMomentum: 0.9),
        ["onecycle/three phases"] = Schedules.OneCycle(401, 0.4, threePhases: true),
        ["onecycle/short"] = Schedules.OneCycle(7, threePhases: true),
        ["cyclic/triangular"] = Schedules.Cyclic(0.1, 40),
        ["cyclic/triangular2"] = Schedules.Cyclic(0.02, 30, 50, CyclicShape.Halving, minMomentum: 0.6, maxMomentum: 0.95),
        ["cyclic/exp_range"] = Schedules.Cyclic(0.002, 25, 10, CyclicShape.Exponential, 0.995),
        ["sequential/two"] = Schedules.Sequential(Schedules.Linear(0.1, 1, 20), (20, Schedules.Cosine(280, 0.01))),
        ["sequential/three"] = Schedules.Sequential(Schedules.Hold(0.1, 1000), (15, Schedules.Exponential(0.97)), (100, Schedules.StepDecay(40, 0.5))),
        ["chained/two"] = Schedules.Chained(Schedules.Linear(0.2, 1, 50), Schedules.Exponential(0.99)),
        ["chained/three"] = Schedules.Chained(Schedules.Hold(0.1, 30), Schedules.StepDecay(60, 0.5), Schedules.Cosine(400)),
        ["epochs/step"] = Schedules.PerEpoch(Schedules.StepDecay(4, 0.5)),
        ["epochs/cosine"] = Schedules.PerEpoch(Schedules.Cosine(minimum: 0.01)),
        ["swa/cosine"] = Schedules.Swa(Schedules.Exponential(0.99), 150, 0.5, 20),
        ["swa/linear"] = Schedules.Swa(Schedules.Exponential(0.99), 100, 0.5, 35, Anneal.Linear),
        ["swa/at once"] = Schedules.Swa(Schedules.Exponential(0.99), 60, 0.5, 0),
        ["deepspeed/range"] = DeepSpeedSchedules.RangeTest(50, 2.5),
        ["deepspeed/range stairs"] = DeepSpeedSchedules.RangeTest(60, 3, staircase: true),
        ["deepspeed/warmup log"] = DeepSpeedSchedules.Warmup(100, 0.001),
        ["deepspeed/warmup linear"] = DeepSpeedSchedules.Warmup(150, growth: WarmupGrowth.Linear),
        ["deepspeed/warmup 1"] = DeepSpeedSchedules.Warmup(1),
        ["deepspeed/decay log"] = DeepSpeedSchedules.WarmupDecay(80, 0.05, steps: 300),
        ["deepspeed/decay linear"] = DeepSpeedSchedules.WarmupDecay(80, 0, WarmupGrowth.Linear, 380),
        ["deepspeed/cosine log"] = DeepSpeedSchedules.WarmupCosine(60, steps: 350),
        ["deepspeed/cosine linear"] = DeepSpeedSchedules.WarmupCosine(90, 0.1, 0.02, WarmupGrowth.Linear),
        ["deepspeed/onecycle"] = DeepSpeedSchedules.OneCycle(0.1, 100),
        ["deepspeed/onecycle decay"] = DeepSpeedSchedules.OneCycle(0.05, 80, 120, decaySteps: 20, decayRate: 0.5, minMomentum: 0.85, momentumDecayRate: 0.005),
        ["deepspeed/onecycle stairs"] = DeepSpeedSchedules.OneCycle(0.2, 60, 90, 5, 3),
    };

    static readonly Dictionary<string, (ReduceOnPlateau Schedule, Func<Recording, IReadOnlyList<double>> Metrics)> Plateaus = new(StringComparer.Ordinal)
    {
        ["plateau/min rel"] = (Falling(0.5, 5), r => r.Falling),
        ["plateau/min abs"] = (Falling(0.3, 3) with { Threshold = 0.01, ThresholdIsAbsolute = true, Cooldown = 4 }, r => r.Falling),
        ["plateau/max rel"] = (Rising(0.7, 4) with { Threshold = 0.02, Minimum = 0.04 }, r => r.Rising),
        ["plateau/max abs"] = (Rising(0.8, 0) with { Threshold = 0.5, ThresholdIsAbsolute = true, Cooldown = 7, SmallestChange = 1e-2 }, r => r.Rising),
        ["plateau/defaults"] = (new ReduceOnPlateau(Best.Min("val/loss")) { SmallestChange = 1e-7 }, r => r.Falling),
        ["plateau/nan"] = (Falling(0.6, 2) with { Minimum = 1e-4 }, r => [.. r.Falling.Select((m, k) => k % 11 == 5 ? double.NaN : m)]),
    };

    // PyTorch's eps of 1e-8 is a rate, and the base rate 0.1.
    static ReduceOnPlateau Falling(double factor, int patience) => Schedules.ReduceOnPlateau(Best.Min("val/loss"), factor, patience) with { SmallestChange = 1e-7 };

    static ReduceOnPlateau Rising(double factor, int patience) => Schedules.ReduceOnPlateau(Best.Max("val/accuracy"), factor, patience);

    public static TheoryData<string> Pure => [.. Ours.Keys];

    public static TheoryData<string> Adaptive => [.. Plateaus.Keys];

    [Fact]
    public void Every_recorded_case_is_compared() => Assert.Equal(Recorded.Cases.Keys.Order(StringComparer.Ordinal), Ours.Keys.Concat(Plateaus.Keys).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Pure))]
    public void Rates_and_momenta_are_those_recorded(string name)
    {
        var (recorded, schedule) = (Recorded.Cases[name], Ours[name]);
        Assert.Equal(recorded.Momenta is not null, schedule.CyclesMomentum);
        var stepsPerEpoch = name switch { "epochs/step" => 17, "epochs/cosine" => 20, _ => (long?)null };
        for (var i = 0; i < recorded.Steps.Count; i++)
        {
            var point = new SchedulePoint(recorded.Steps[i], 400, stepsPerEpoch);
            AssertClose(recorded.Rates[i], recorded.Base * schedule.Factor(point), name, point.Step);
            if (recorded.Momenta is { } momenta) AssertClose(momenta[i], schedule.Momentum(point)!.Value, $"{name}, momentum", point.Step);
        }
    }

    [Theory]
    [MemberData(nameof(Adaptive))]
    public void A_plateau_reduces_the_rates_when_PyTorchs_does(string name)
    {
        var recorded = Recorded.Cases[name];
        var metrics = Plateaus[name].Metrics(Recorded);
        var state = Plateaus[name].Schedule.Start();
        var compared = 0;
        for (var n = 0; compared < recorded.Steps.Count; n++)
        {
            if (recorded.Steps[compared] == n) AssertClose(recorded.Rates[compared++], recorded.Base * state.Factor, name, n);
            state.Observe(metrics[n]);
        }
        Assert.True(state.Factor < 1);
    }

    [Theory]
    [MemberData(nameof(Adaptive))]
    public void A_plateau_resumed_after_any_observation_goes_on_with_the_same_bits(string name)
    {
        var (schedule, metrics) = (Plateaus[name].Schedule, Plateaus[name].Metrics(Recorded));
        var whole = schedule.Start();
        var resumed = schedule.Start();
        foreach (var metric in metrics)
        {
            whole.Observe(metric);
            resumed.Observe(metric);
            var saved = resumed.SaveState().ToJsonString();
            resumed = schedule.Start();
            resumed.LoadState(System.Text.Json.Nodes.JsonNode.Parse(saved)!.AsObject());
            Assert.Equal(BitConverter.DoubleToInt64Bits(whole.Factor), BitConverter.DoubleToInt64Bits(resumed.Factor));
        }
    }

    static void AssertClose(double expected, double actual, string what, long step) =>
        Assert.True(Math.Abs(expected - actual) <= Tolerance * Math.Abs(expected), $"{what}, update {step}: recorded {expected:R}, ours {actual:R}, off by {Math.Abs(expected - actual) / Math.Abs(expected):g2}");

    sealed record Case(double Base, IReadOnlyList<long> Steps, IReadOnlyList<double> Rates, IReadOnlyList<double>? Momenta);

    sealed record Recording(IReadOnlyDictionary<string, Case> Cases, IReadOnlyList<double> Falling, IReadOnlyList<double> Rising)
    {
        public static Recording Read([CallerFilePath] string testFile = "")
        {
            using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(Path.GetDirectoryName(testFile)!, "Recordings", "schedules.json")));
            var metrics = document.RootElement.GetProperty("metrics");
            return new(
                document.RootElement.GetProperty("cases").EnumerateObject().ToDictionary(c => c.Name, c => new Case(
                    c.Value.GetProperty("base").GetDouble(),
                    [.. c.Value.GetProperty("steps").EnumerateArray().Select(s => s.GetInt64())],
                    Numbers(c.Value.GetProperty("rates")),
                    c.Value.TryGetProperty("momenta", out var momenta) ? Numbers(momenta) : null)),
                Numbers(metrics.GetProperty("falling")),
                Numbers(metrics.GetProperty("rising")));
        }

        static double[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(n => n.GetDouble())];
    }
}
