namespace Raijin.Training.Tests.Tuning;

public sealed class TpeSamplerTests
{
    const int Searches = 10;
    const int Trials = 60;

    public static TheoryData<string> Functions => ["sphere", "branin", "mixed"];

    [Theory]
    [MemberData(nameof(Functions))]
    public void Learning_from_trials_finds_better_values_than_drawing_at_random(string function)
    {
        // The mean logarithm of how far from the optimum the best of 60 trials is, over 10 seeds.
        var learned = MeanRegret(function, TrialSampler.Tpe());
        var random = MeanRegret(function, TrialSampler.Random);
        Assert.True(learned < random - 0.5, $"{function}: e^{learned:F2} against e^{random:F2}");
    }

    [Fact]
    public void A_density_is_one_in_all_and_draws_as_it_says()
    {
        var density = new ParzenDensity([0.1, 0.12, 0.9, 1]);
        const int steps = 20_000;
        var mass = Enumerable.Range(0, steps).Sum(i => density.At((i + 0.5) / steps)) / steps;
        Assert.Equal(1, mass, 1e-5);

        var random = new RandomStream(1);
        var drawn = Enumerable.Range(0, 20_000).Count(_ => density.Draw(random) < 0.5) / 20_000.0;
        var expected = Enumerable.Range(0, steps / 2).Sum(i => density.At((i + 0.5) / steps)) / steps;
        Assert.Equal(expected, drawn, 0.015); // four standard deviations of 20,000 draws
    }

    static double MeanRegret(string function, TrialSampler sampler) => Enumerable.Range(0, Searches).Average(seed =>
    {
        var (space, value, optimum) = Problem(function);
        var result = Tuner.Search(space, new() { Trials = Trials, Seed = seed, Sampler = sampler }, run => value(run.Trial));
        return Math.Log(result.Best!.Score!.Value - optimum + 1e-9);
    });

    static (SearchSpace Space, Func<Trial, double> Value, double Optimum) Problem(string function) => function switch
    {
        "sphere" => (
            new() { ["x"] = SearchRange.Uniform(-5, 5), ["y"] = SearchRange.Uniform(-5, 5) },
            trial => Math.Pow(trial.Double("x") - 1, 2) + Math.Pow(trial.Double("y") + 2, 2),
            0),
        "branin" => ( // Dixon and Szegö 1978
            new() { ["x"] = SearchRange.Uniform(-5, 10), ["y"] = SearchRange.Uniform(0, 15) },
            trial => Branin(trial.Double("x"), trial.Double("y")),
            0.39788735772973816),
        _ => ( // a rate on a logarithmic axis, a width, and a choice that shifts all
            new() { ["rate"] = SearchRange.Log(1e-5, 1), ["width"] = SearchRange.LogWhole(8, 1024), ["kind"] = SearchRange.Choice("a", "b", "c", "d") },
            trial => Math.Pow(Math.Log10(trial.Double("rate")) + 2.5, 2) + Math.Pow(Math.Log2(trial.Int("width")) - 7, 2) / 4 + (trial.Text("kind") == "c" ? 0 : 1),
            0),
    };

    static double Branin(double x, double y) =>
        Math.Pow(y - 5.1 / (4 * Math.PI * Math.PI) * x * x + 5 / Math.PI * x - 6, 2) + 10 * (1 - 1 / (8 * Math.PI)) * Math.Cos(x) + 10;
}
