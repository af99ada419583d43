// A process that saves checkpoints until it is killed, or until the disk refuses:
//   Raijin.SaveHost FOLDER ELEMENTS [replace | background]
// Each checkpoint's tensors are filled with its step, so that a reader can tell a mixture. "replace" overwrites one name, the default makes a new one each time and
// keeps three. Goes on after the newest checkpoint that is there. Prints each step saved, or "refused" and the error.

using System.Globalization;
using Raijin;
using Raijin.Training;
using static TorchSharp.torch;

var elements = long.Parse(args[1], CultureInfo.InvariantCulture);
var mode = args.Length > 2 ? args[2] : "";
using var store = new CheckpointStore(args[0]);
using var large = zeros(elements);
using var small = zeros(3);
try
{
    for (var step = (store.Last()?.Step ?? 0) + 1; ; step++)
    {
        large.fill_(step);
        small.fill_(step);
        var content = new CheckpointContent { State = new() { ["step"] = step } };
        content.Tensors["model"] = [new("large", large), new("small", small)];
        content.Tensors["optimizer"] = [new("moment", large)];
        var name = mode == "replace" ? "last" : string.Create(CultureInfo.InvariantCulture, $"step-{step:D8}");
        var facts = new CheckpointFacts(step);
        if (mode == "background") store.SaveInBackground(name, content, facts).Wait();
        else store.Save(name, content, facts);
        foreach (var old in store.List().SkipLast(3)) store.Delete(old.Name);
        Console.WriteLine(step);
    }
}
catch (CheckpointException error)
{
    Console.WriteLine($"refused {error.Message}");
    return 1;
}
