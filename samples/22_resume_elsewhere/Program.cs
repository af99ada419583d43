// A training that moves: it begins on two ranks, is saved half-way, and goes on with other ranks and another strategy. Its losses are those of a training that never stopped, which the program checks.
//   dotnet run -c Release --project samples/22_resume_elsewhere -- [steps]

using System.Text.Json.Nodes;
using Raijin;
using Raijin.Collectives;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

const int Together = 60;  // Samples of a step over all ranks: with more of them each takes fewer, and steps stay what they are.
const string Checkpoint = "runs/moving";
var steps = args.Length > 0 ? int.Parse(args[0]) : 60;
var half = steps / 2;
var digits = Digits.Load().All();

var stayed = Train(ranks: 2, Zero.Stage2, until: steps);
Train(ranks: 2, Zero.Stage2, until: half, save: true);
Console.WriteLine($"Saved after step {half} by 2 ranks with {Zero.Stage2}, each its own part: {string.Join(", ", Directory.EnumerateFiles(Checkpoint).Select(Path.GetFileName).Order())}\n");
var alone = Train(ranks: 1, strategy: null, until: steps, resume: true);
var three = Train(ranks: 3, Zero.Stage3, until: steps, resume: true);

Console.WriteLine($"loss of step  {"2 ranks, zero2",18}{"then 1 alone",18}{"then 3, zero3",18}");
var shown = Math.Max(1, steps / 10);
for (var step = 0; step < steps; step += shown) Console.WriteLine($"{step + 1,12}  {stayed[step],18:f6}{Later(alone, step),18}{Later(three, step),18}");

// Sums are taken in another order, so the last bits differ.
var apart = Enumerable.Range(half, steps - half).Max(step => Math.Max(Math.Abs(alone[step] - stayed[step]), Math.Abs(three[step] - stayed[step])));
Console.WriteLine($"\nAt most {apart:0.0e+0} apart.");
return apart < 1e-3 ? 0 : 1;

string Later(double[] losses, int step) => step < half ? "" : $"{losses[step]:f6}";

// The loss of each step, from the first one or from where the checkpoint was made.
double[] Train(int ranks, Strategy? strategy, int until, bool save = false, bool resume = false)
{
    // Ranks as threads share libtorch's generators, so models are made one after another; all ranks begin with the first one's weights.
    manual_seed(0);
    var nets = Enumerable.Range(0, ranks).Select(_ => Sequential(Linear(64, 128), ReLU(), Linear(128, 10))).ToList();
    return World.Run(ranks, world =>
    {
        using var fabric = Fabric.Launch(new() { World = world, Strategy = strategy });
        var (model, optimizer) = fabric.Setup(nets[world.Rank], net => Optimizers.AdamW(net, 3e-3));
        var step = resume ? (int)fabric.Load(Checkpoint, model)!["step"]! : 0;
        var options = new LoaderOptions { BatchSize = Together / ranks, Remainder = Remainder.Drop };
        var loader = new LabeledDataset(digits.Inputs, digits.Labels).Batches(options);
        var losses = new double[until];
        while (step < until)
        {
            var (epoch, first) = Math.DivRem(step, loader.BatchesPerEpoch!.Value / ranks);
            foreach (var batch in fabric.Batches(loader, epoch, first).Take(until - step))
            {
                using var scope = fabric.Step();
                var loss = functional.cross_entropy(model.call(batch.Inputs), batch.Labels);
                fabric.Backward(loss);
                optimizer.Step();
                losses[step++] = fabric.Mean(loss);
            }
        }
        if (save) fabric.Save(Checkpoint, model, new JsonObject { ["step"] = step });
        return losses;
    })[0];
}
