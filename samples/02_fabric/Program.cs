// Your own loop, Raijin's parts: device, precision, clipping, lifetimes, checkpoints.

using System.Text.Json.Nodes;
using Raijin;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

var epochs = args.Length > 0 ? int.Parse(args[0]) : 5;
var data = Digits.Load().Split(validation: 0.2).Batches(64);

// snippet: loop
using var fabric = Fabric.Launch(new() { ClipGradients = Clip.Norm(1.0) });
var (model, optimizer) = fabric.Setup(Sequential(Linear(64, 128), ReLU(), Linear(128, 10)), m => Optimizers.AdamW(m, 3e-3));

for (var epoch = 0; epoch < epochs; epoch++)
{
    var losses = 0.0;
    foreach (var batch in fabric.Batches(data.Train, epoch))
    {
        using var step = fabric.Step();
        var loss = functional.cross_entropy(model.call(batch.Inputs), batch.Labels);
        fabric.Backward(loss);
        optimizer.Step();
        losses += fabric.Mean(loss) * batch.Count;
    }
    fabric.Print($"epoch {epoch}  loss {losses / data.Train.BatchesPerEpoch!.Value / 64:f4}  accuracy {Validate():p1}");
}
fabric.Save("runs/fabric", model, new JsonObject { ["epochs"] = epochs });
// end snippet

double Validate()
{
    using var accuracy = new Accuracy(classes: 10);
    using var noGradients = no_grad();
    foreach (var batch in fabric.Batches(data.Validation!.Only)) accuracy.Update(model.call(batch.Inputs), batch.Labels);
    return accuracy.Compute();
}
