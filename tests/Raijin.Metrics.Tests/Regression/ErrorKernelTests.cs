using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Regressions;

public sealed class ErrorKernelTests
{
    static readonly Gen<(int Seed, int Rows, int Outputs, bool Weighted, bool Single)> Batches = Gen.Select(Gen.Int[0, 9999], Gen.Int[0, 70], Gen.Int[1, 3], Gen.Bool, Gen.Bool);

    [Fact]
    public void Fused_sums_equal_those_of_tensor_ops() => Batches.Sample(batch =>
    {
        using var scope = NewDisposeScope();
        var comparison = Make(batch);
        foreach (var accumulation in (Accumulation<Comparison>[])
                 [new SquaredErrors(batch.Outputs), new AbsoluteErrors(batch.Outputs), new PercentageErrors(batch.Outputs), new SymmetricPercentageErrors(batch.Outputs),
                  new ScaledErrors(batch.Outputs), new LogCoshErrors(batch.Outputs), new PowersOfErrors(2.5, batch.Outputs)])
            Compare(accumulation, comparison, 1e-12);
    }, iter: 60, threads: 1);

    [Fact]
    public void Fused_sums_of_errors_with_a_domain_equal_those_of_tensor_ops_also_outside_it() => Batches.Sample(batch =>
    {
        using var scope = NewDisposeScope();
        var comparison = Make(batch);
        foreach (var power in (double[])[-1.5, 0, 1, 1.5, 2, 3]) Compare(new TweedieDeviances(power, batch.Outputs), comparison, 1e-11);
        Compare(new SquaredLogErrors(batch.Outputs), comparison, 1e-11);
    }, iter: 40, threads: 1);

    [Fact]
    public void Fused_moments_and_kept_data_equal_those_of_tensor_ops() => Batches.Sample(batch =>
    {
        using var scope = NewDisposeScope();
        var comparison = Make(batch);
        foreach (var kind in (PairKind[])[PairKind.ErrorsAndTargets, PairKind.PredictionsAndTargets])
            Compare(new PairMoments(kind, batch.Outputs), comparison, 1e-11);
        Compare(new PairData(batch.Outputs), comparison with { Weights = null }, 0);
    }, iter: 60, threads: 1);

    [Theory, InlineData(false), InlineData(true)]
    public void Both_leave_the_same_rows_out_and_note_the_same(bool weighted)
    {
        using var scope = NewDisposeScope();
        var predictions = tensor(new[] { 1f, 2f, float.NaN, 4f, 5f, 6f, 7f, 8f }).reshape(4, 2);
        var targets = tensor(new[] { 0f, 0f, 1f, 1f, float.PositiveInfinity, 1f, 1f, 1f }).reshape(4, 2);
        var batch = new Comparison(predictions, targets, weighted ? tensor(new[] { 1f, 2f, 3f, -1f }) : null);
        foreach (var outputs in (int[])[1, 2])
        {
            Compare(new SquaredErrors(outputs), batch, 1e-12);
            Compare(new PairMoments(PairKind.PredictionsAndTargets, outputs), batch, 1e-12);
        }
        using var states = new MetricStates();
        var accumulation = new SquaredErrors(2);
        accumulation.Declare(states);
        Assert.True(accumulation.TryAddOnHost(states, batch));
        Assert.Equal(weighted ? [1.0, 4.0] : [37.0, 53.0], states[0].ToArray<double>());
        Assert.Equal(weighted ? 1 : 2, states[1].ToArray<double>()[0]);
    }

    [Fact]
    public void A_fault_is_reported_by_the_update_that_met_it_where_that_is_asked_for()
    {
        using var scope = NewDisposeScope();
        using var metric = new MeanSquaredError();
        metric.States.Faults!.AtOnce = true;
        var error = Assert.Throws<MetricInputException>(() => metric.Update(tensor(new[] { 1f, float.NaN }), tensor(new[] { 1f, 1f })));
        Assert.Equal(("finite predictions and targets", 1L, double.NaN), (error.Expected, error.Count, error.First));
    }

    [Fact]
    public void Other_layouts_and_dtypes_are_left_to_tensor_ops()
    {
        using var scope = NewDisposeScope();
        var accumulation = new SquaredErrors(1);
        using var states = new MetricStates();
        accumulation.Declare(states);
        var dense = ones([4, 3]);
        Assert.False(accumulation.TryAddOnHost(states, new(dense.t(), dense.t())));
        Assert.False(accumulation.TryAddOnHost(states, new(dense, dense.to(ScalarType.Float64))));
        Assert.False(accumulation.TryAddOnHost(states, new(dense.to(ScalarType.Int64), dense.to(ScalarType.Int64))));
        Assert.True(accumulation.TryAddOnHost(states, new(dense, dense)));
    }

    static Comparison Make((int Seed, int Rows, int Outputs, bool Weighted, bool Single) batch)
    {
        var random = new Random(batch.Seed);
        var dtype = batch.Single ? ScalarType.Float32 : ScalarType.Float64;
        Tensor Draw(Func<double> value, params long[] shape) => tensor(Enumerable.Range(0, (int)shape.Aggregate(1L, (a, b) => a * b)).Select(_ => value()).ToArray(), dtype).reshape(shape);
        return new(
            Draw(() => random.NextDouble() * 4 - 1, batch.Rows, batch.Outputs),
            Draw(() => random.NextDouble() * 4 - 1, batch.Rows, batch.Outputs),
            batch.Weighted ? Draw(() => random.Next(3), batch.Rows) : null);
    }

    static void Compare(Accumulation<Comparison> accumulation, Comparison batch, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var fused = new MetricStates();
        using var plain = new MetricStates();
        accumulation.Declare(fused);
        accumulation.Declare(plain);
        for (var update = 0; update < 2; update++)
        {
            Assert.True(accumulation.TryAddOnHost(fused, batch));
            accumulation.Add(plain, batch);
        }
        for (var i = 0; i < fused.Count; i++) Recording.Near(plain[i].ToArray<double>(), fused[i].ToArray<double>(), tolerance, $"{accumulation} {fused[i].Name}");
    }
}
