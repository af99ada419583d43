// Metrics without a trainer: collections and what they share, curves, epochs, how sure a number is, texts, halves of the data, metrics of your own.
//   dotnet run -c Release --project samples/18_metrics

using Raijin;
using Raijin.Metrics;
using static TorchSharp.torch;

const int Classes = 4;
using var scope = TensorScope.Open();
var task = Classification.Multiclass(Classes);

// Whatever counts right and wrong is counted once for all of them; AUROC keeps the scores.
using var confusion = new ConfusionMatrix(task) { Names = ["poor", "fair", "good", "superb"] };
using var roc = new Roc(task);
using var metrics = new MetricCollection
{
    { "accuracy", new Accuracy(task) },
    { "balanced", new Accuracy(task, Average.Macro) },
    { "f1", new F1Score(task) },
    { "auroc", new Auroc(task) },
    { "off by", new MeanDistance(Classes) },
    { "sure", new Accuracy(task).Bootstrapped(copies: 200, quantiles: [0.025, 0.975]) },
};
using var tracker = new MetricTracker(metrics);
for (var epoch = 0; epoch < 6; epoch++)
{
    foreach (var (scores, labels) in Answers(skill: epoch, seed: 0)) metrics.Update(scores, labels);
    tracker.Increment();  // Notes the numbers and resets.
}
foreach (var (name, value) in tracker.All[^1]) Console.WriteLine($"  {name,-12}{value,8:f4}");
var (best, at) = tracker.Best("auroc");
var interval = (tracker.All[^1]["sure/q0.025"], tracker.All[^1]["sure/q0.975"]);
Console.WriteLine($"{metrics.Count} metrics, {metrics.NumAccumulations} sets of states. The best AUROC is {best:f4}, of epoch {at}; 95 % of resampled accuracies lie in {interval.Item1:p1} to {interval.Item2:p1}.");

// Pictures: PNG files that are the same on every machine.
foreach (var (scores, labels) in Answers(skill: 2, seed: 0))
{
    confusion.Update(scores, labels);
    roc.Update(scores, labels);
}
tracker.Plot("six epochs").Save("history.png");
confusion.Plot().Save("confusion.png");
roc.Plot().Save("roc.png");
Console.WriteLine("history.png, confusion.png, roc.png");

// Two halves, by two processes perhaps, are as one whole. (Synchronize does it over ranks, in one collective.)
using var whole = new F1Score(task);
using var half = new F1Score(task);
using var seen = new SeenClasses(Classes);
foreach (var (scores, labels) in Answers(skill: 1, seed: 1)) half.Update(scores, labels);
foreach (var (scores, labels) in Answers(skill: 1, seed: 2)) whole.Update(scores, labels);
whole.Merge(half);
seen.Update(tensor(new long[] { 0, 2, 2 }));
Console.WriteLine($"F1 over both halves {whole.Compute():f4}, of each class {string.Join(" ", whole.PerClass().Select(f => $"{f:f2}"))}; {seen.Compute()} of {Classes} classes were seen.");

// Texts; and functions, where there is but one batch.
using var texts = new MetricCollection<TextComparison> { { "bleu", Bleu.Sacre() }, { "chrf", new Chrf(wordOrder: 2) }, { "wer", new WordErrorRate() } };
texts.Update(["the cat sat on the mat", "hello there"], ["the cat sat on a mat", "hello there"]);
Console.WriteLine($"BLEU {texts.Compute()["bleu/score"]:f3}, chrF++ {texts.Compute()["chrf"]:f3}, word errors {texts.Compute()["wer"]:f3}; edits from kitten to sitting: {Texts.EditDistance(["kitten"], ["sitting"])}");

// Scores of a model that knows the more the more skilled it is: 20 batches of 50.
static IEnumerable<(Tensor Scores, Tensor Labels)> Answers(int skill, ulong seed)
{
    for (var batch = 0UL; batch < 20; batch++)
    {
        var random = new RandomStream(seed, batch);
        long[] labels = [.. Enumerable.Range(0, 50).Select(_ => random.NextInt64(Classes))];
        float[] scores = [.. labels.SelectMany(label => Enumerable.Range(0, Classes).Select(c => (float)(random.NextGaussian() - 0.4 * skill * Math.Abs(c - label))))];
        yield return (tensor(scores).reshape(50, Classes).softmax(1), tensor(labels));
    }
}

/// <summary>How many classes labels have had: a metric as its states, each with what becomes of two of them, and an Update of its own.</summary>
sealed class SeenClasses : Metric<int>
{
    readonly MetricState _seen;

    public SeenClasses(int classes) => _seen = AddState("seen", Reduction.Max, zeros([classes], ScalarType.Float64));

    public void Update(Tensor labels)
    {
        BeginUpdate(labels.device);
        _seen.Value.index_fill_(0, labels, 1);
    }

    public override int Compute() => (int)_seen.ToArray<double>().Sum();

    public override double ComputeScalar() => Compute();
}

/// <summary>How batches become states: all metrics with an equal record share them, and wrappers can hold more than one set.</summary>
sealed record Distances(int Classes) : Accumulation<Comparison>
{
    public override void Declare(MetricStates states) => states.Add("distance", Reduction.Sum, zeros([2], ScalarType.Float64));  // sum, count

    public override void Check(in Comparison batch)
    {
        if (batch.Predictions.dim() != 2 || batch.Predictions.shape[1] != Classes)
            throw new ShapeMismatchException("predictions", $"[B, {Classes}] scores", $"[{string.Join(", ", batch.Predictions.shape)}]");
    }

    protected override void Add(MetricStates states, in Comparison batch)
    {
        var off = (batch.Predictions.argmax(1) - batch.Targets).abs().to(ScalarType.Float64);
        states[0].Value.add_(stack([off.sum(), ones_like(off).sum()]));
    }
}

/// <summary>How many classes the predicted one lies from the true one, on average: of ordered classes, a near miss is no far one.</summary>
sealed class MeanDistance(int classes) : ScalarMetric<Comparison>(new Distances(classes))
{
    public override bool? HigherIsBetter => false;

    protected override double Compute(MetricStates states) => states[0].ToArray<double>() is [var sum, var count] ? sum / count : double.NaN;
}
