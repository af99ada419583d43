using CsCheck;
using static TorchSharp.torch;

namespace Raijin.Metrics.Tests.Text;

public sealed class PerplexityTests
{
    [Fact]
    public void Tokens_score_as_in_torchmetrics()
    {
        var recorded = Recording.Open("ngrams").GetProperty("perplexity");
        using var logits = recorded.GetProperty("logits").Tensor();
        using var targets = recorded.GetProperty("targets").Tensor(ScalarType.Int64);
        using var masked = recorded.GetProperty("masked").Tensor(ScalarType.Int64);
        Recording.Near(recorded.GetProperty("score").Number(), Texts.Perplexity(logits, targets), 1e-12);
        Recording.Near(recorded.GetProperty("score_masked").Number(), Texts.Perplexity(logits, masked, ignoreIndex: -100), 1e-12);
    }

    [Fact]
    public void Logarithms_of_probabilities_are_taken_as_they_are()
    {
        using var scope = NewDisposeScope();
        using var perplexity = new Perplexity(logProbabilities: true);
        var logarithms = tensor(new[] { 0.25, 0.5, 0.5, 0.125 }).log().reshape(1, 2, 2);
        Recording.Near(Math.Sqrt(4 * 8), perplexity.Of(logarithms, tensor(new long[,] { { 0, 1 } })), 1e-12);
    }

    [Fact]
    public void Half_precision_and_logits_of_any_size_stay_finite()
    {
        using var scope = NewDisposeScope();
        using var perplexity = new Perplexity();
        var logits = tensor(new[] { 60f, 0f, 10000f, 9970f }).reshape(1, 2, 2);
        var targets = tensor(new long[,] { { 1, 1 } });
        Recording.Near(Math.Exp(45), perplexity.Of(logits, targets), 1e-6);
        var halves = tensor(new[] { 1f, 2f, 3f, -1f }).reshape(1, 2, 2);
        Assert.Equal(perplexity.Of(halves, targets), perplexity.Of(halves.to(ScalarType.BFloat16), targets));
    }

    [Fact]
    public void Weights_count_tokens_or_whole_samples()
    {
        using var scope = NewDisposeScope();
        using var perplexity = new Perplexity();
        var logits = randn(2, 3, 4, dtype: ScalarType.Float64, generator: new Generator(3));
        var targets = tensor(new long[,] { { 0, 1, 2 }, { 3, 0, 1 } });
        var first = perplexity.Of(logits.narrow(0, 0, 1), targets.narrow(0, 0, 1));
        Recording.Near(first, perplexity.Of(logits, targets, tensor(new[] { 2.0, 0.0 })), 1e-12);
        Recording.Near(first, perplexity.Of(logits, targets, tensor(new[,] { { 1f, 1f, 1f }, { 0f, 0f, 0f } })), 1e-12);
    }

    [Fact]
    public void A_target_of_probability_0_is_infinitely_surprising_unless_it_weighs_nothing()
    {
        using var scope = NewDisposeScope();
        using var perplexity = new Perplexity();
        var logits = tensor(new[] { 0, double.NegativeInfinity, 0, 0 }).reshape(1, 2, 2);
        var targets = tensor(new long[,] { { 1, 0 } });
        Assert.Equal(double.PositiveInfinity, perplexity.Of(logits, targets));
        Recording.Near(2, perplexity.Of(logits, targets, tensor(new[,] { { 0.0, 1.0 } })), 1e-12);
    }

    [Fact]
    public void Every_token_ignored_is_not_a_number()
    {
        using var scope = NewDisposeScope();
        using var perplexity = new Perplexity(ignoreIndex: -1);
        Assert.Equal(double.NaN, perplexity.Of(zeros(1, 2, 3), full(1, 2, -1, ScalarType.Int64)));
        Assert.Equal(double.NaN, perplexity.Of(zeros(0, 2, 3), zeros(0, 2, ScalarType.Int64)));
    }

    [Fact]
    public void A_target_outside_the_vocabulary_is_left_out_and_reported()
    {
        using var scope = NewDisposeScope();
        using var perplexity = new Perplexity(ignoreIndex: -100);
        perplexity.Update(zeros(1, 3, 3), tensor(new long[,] { { 0, 3, -100 } }));
        var error = Assert.Throws<MetricInputException>(() => perplexity.Compute());
        Assert.Equal((1, 3.0), (error.Count, error.First));
        Recording.Near([Math.Log(3), 1], [perplexity.States[0].Value.item<double>(), perplexity.States[1].Value.item<double>()], 1e-7);
    }

    [Fact]
    public void Shapes_and_dtypes_are_refused_at_once()
    {
        using var scope = NewDisposeScope();
        using var perplexity = new Perplexity();
        var targets = zeros(2, 3, ScalarType.Int64);
        Assert.Contains("[2, 3] Float32", Assert.Throws<ShapeMismatchException>(() => perplexity.Update(zeros(2, 3), targets)).Message);
        Assert.Throws<ShapeMismatchException>(() => perplexity.Update(zeros(2, 3, 4, ScalarType.Int64), targets));
        Assert.Contains("targets: expected [2, 4], integer", Assert.Throws<ShapeMismatchException>(() => perplexity.Update(zeros(2, 4, 5), targets)).Message);
        Assert.Throws<ShapeMismatchException>(() => perplexity.Update(zeros(2, 3, 5), zeros(2, 3)));
        Assert.Throws<ShapeMismatchException>(() => perplexity.Update(zeros(2, 3, 5), targets, zeros(3)));
        Assert.Equal(0, perplexity.Updates);
    }

    [Fact]
    public void Any_split_and_merge_gives_the_same() =>
        Gen.Select(Gen.Int[1, 5], Gen.Int[0, 5], Gen.Int[0, 1000]).Sample((batch, cut, seed) =>
        {
            using var scope = NewDisposeScope();
            cut = Math.Min(cut, batch);
            var logits = randn(batch, 3, 4, generator: new Generator((ulong)seed));
            var targets = randint(0, 4, [batch, 3], ScalarType.Int64, generator: new Generator((ulong)seed));
            using var whole = new Perplexity();
            using var first = new Perplexity();
            using var second = new Perplexity();
            whole.Update(logits, targets);
            first.Update(logits.narrow(0, cut, batch - cut), targets.narrow(0, cut, batch - cut));
            second.Update(logits.narrow(0, 0, cut), targets.narrow(0, 0, cut));
            first.Merge(second);
            Recording.Near(whole.Compute(), first.Compute(), 1e-9);
        }, iter: 30);
}
