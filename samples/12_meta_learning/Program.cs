// Meta-learning: weights that a few gradient steps fit to a new sine wave, or to five new glyphs seen once each.
//   dotnet run -c Release --project samples/12_meta_learning -- [steps] [sine|glyphs] [first-order]

using Raijin;

var glyphs = args.Contains("glyphs");
var options = glyphs
    ? new MamlOptions { Inputs = Problems.GlyphSide * Problems.GlyphSide, Hidden = 64, Outputs = Problems.Ways, Classifies = true, LearningRate = 0.4, Steps = 1 }
    : new MamlOptions { Inputs = 1, Hidden = 40, Outputs = 1, Classifies = false, LearningRate = 0.01, Steps = 5 };
options = options with { SecondOrder = !args.Contains("first-order") };
var steps = args.Length > 0 ? int.Parse(args[0]) : glyphs ? 1_000 : 3_000;

// A training problem is new in each epoch; those to validate on stay what they are.
var train = Tasks(count: 25 * 100, purpose: 0).Batches(new LoaderOptions { BatchSize = 25, Workers = 1 }, Collate);
var validation = Tasks(count: 500, purpose: 1).Batches(new LoaderOptions { BatchSize = 100 }.ForEvaluation(), Collate);

var trainer = new Trainer(new() { MaxSteps = steps, Validate = Every.Steps(Math.Max(1, steps / 10)), ClipGradients = Clip.Norm(10) });
Console.WriteLine(trainer.Fit(new Maml(options), new DataLoaders<TaskBatch>(train, validation)));

Dataset<LearningProblem> Tasks(int count, ulong purpose) => Dataset.Of(count, request =>
{
    var random = (request with { Seed = purpose }).Random();
    return glyphs ? Problems.Glyphs(random, shots: 1, queries: 5) : Problems.Sine(random, shots: 10, queries: 10);
});

TaskBatch Collate(IReadOnlyList<LearningProblem> tasks) => TaskBatch.Collate(tasks, options.Inputs, options.Classifies);
