using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using static TorchSharp.torch;

namespace Raijin.Benchmarks;

/// <summary>
/// COCO's mean average precision of 5,000 generated images of 80 classes, from tensors to the twelve numbers: Raijin, and where a Python is named torchmetrics'
/// pure PyTorch evaluation and pycocotools, both from their public source on its PYTHONPATH. <c>--rounds n</c>, <c>--images n</c>,
/// <c>--python COMMAND</c>, <c>--torchmetrics-images n</c> (fewer, where 5,000 take it too long; ours is measured on as many beside it).
/// </summary>
static class DetectionPage
{
    const int Classes = 80;
    const int BatchSize = 16;

    public static void Run(string[] args)
    {
        var images = Pages.Option(args, "--images") ?? 5000;
        var rounds = Pages.Option(args, "--rounds") ?? 11;
        var python = Array.IndexOf(args, "--python") is var at and >= 0 ? args[at + 1] : null;
        using var scope = NewDisposeScope();
        var (predictions, targets) = Generate(images);
        var found = predictions.Sum(p => p.Labels.shape[0]);
        var report = new Report("COCO mean average precision", [.. args.Where(a => a != "--python" && a != python)]);
        report.Note(string.Create(CultureInfo.InvariantCulture, $"{images:N0} images, {targets.Sum(t => t.Labels.shape[0]):N0} true and {found:N0} found boxes of {Classes} classes, fp64. Ours: median of {rounds} rounds, updates of {BatchSize} images and Compute, {Environment.ProcessorCount} threads; the others once."));

        var file = Path.Combine(AppContext.BaseDirectory, "detections.bin");
        Write(file, predictions, targets);
        var part = Math.Min(Pages.Option(args, "--torchmetrics-images") ?? images, images);
        report.Table("Updates and Compute", "", "images", "time", "images a second", "time / Raijin's", "largest difference of a score");
        var (ours, scores) = Ours(rounds, predictions, targets);
        report.Row("Raijin", $"{images:N0}", Pages.Show(ours), Rate(images / ours.Median), "1.000", "–");
        if (python is not null)
        {
            Compare("pycocotools", images, ours, scores);
            if (part < images)
            {
                (ours, scores) = Ours(rounds, predictions[..part], targets[..part]);
                report.Row("Raijin", $"{part:N0}", Pages.Show(ours), Rate(part / ours.Median), "1.000", "–");
            }
            Compare("torchmetrics, pure PyTorch", part, ours, scores);
        }
        if (python is not null) report.Note("Scores by size are compared with pycocotools only: torchmetrics' pure PyTorch evaluation lets nothing match an object of another size, which pycocotools does.");
        report.Write();
        File.Delete(file);

        void Compare(string tool, int count, Timing ours, Dictionary<string, double> scores)
        {
            var (seconds, theirs) = Theirs(python, file, tool.Split(',')[0], count);
            var difference = theirs.Where(s => scores.ContainsKey(s.Key) && (tool == "pycocotools" || !IsBySize(s.Key))).Max(s => Math.Abs(s.Value - (double.IsNaN(scores[s.Key]) ? -1 : scores[s.Key])));
            report.Row(tool, $"{count:N0}", string.Create(CultureInfo.InvariantCulture, $"{seconds:F2} s"), Rate(count / seconds), Pages.Number(seconds / ours.Median), difference.ToString("0.0e0", CultureInfo.InvariantCulture));
        }
    }

    static bool IsBySize(string name) => name.EndsWith("small", StringComparison.Ordinal) || name.EndsWith("medium", StringComparison.Ordinal) || name.EndsWith("large", StringComparison.Ordinal);

    static string Rate(double perSecond) => perSecond.ToString(perSecond < 100 ? "F1" : "N0", CultureInfo.InvariantCulture);

    static (Timing, Dictionary<string, double>) Ours(int rounds, Detections[] predictions, GroundTruth[] targets)
    {
        Dictionary<string, double> scores = [];
        var time = Interleaved.Measure(rounds, new Contestant("Raijin", () =>
        {
            using var metric = new MeanAveragePrecision();
            for (var i = 0; i < predictions.Length; i += BatchSize)
                metric.Update(new ArraySegment<Detections>(predictions, i, Math.Min(BatchSize, predictions.Length - i)), new ArraySegment<GroundTruth>(targets, i, Math.Min(BatchSize, predictions.Length - i)));
            scores = new(metric.ComputeScalars());
        }));
        return (time[0], scores);
    }

    static (double Seconds, Dictionary<string, double> Scores) Theirs(string python, string file, string tool, int images)
    {
        var script = Path.Combine(Report.Root(), "benchmarks", "comparison", "detection.py");
        using var process = Process.Start(new ProcessStartInfo(python, [script, file, tool, images.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardOutput = true })!;
        var line = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{python} {script} ended with exit code {process.ExitCode}.");
        using var answer = JsonDocument.Parse(line);
        return (answer.RootElement.GetProperty("seconds").GetDouble(), answer.RootElement.GetProperty("scores").EnumerateObject().ToDictionary(s => s.Name, s => s.Value.GetDouble()));
    }

    // About 7 true boxes an image, as COCO has; most found once or twice, somewhat off, beside 16 found where nothing is.
    static (Detections[], GroundTruth[]) Generate(int images)
    {
        var random = new Random(1);
        var predictions = new Detections[images];
        var targets = new GroundTruth[images];
        for (var i = 0; i < images; i++)
        {
            List<double> boxes = [], scores = [], trueBoxes = [];
            List<long> labels = [], trueLabels = [];
            for (var k = random.Next(0, 15); k > 0; k--)
            {
                var (box, label) = (Box(random), Label(random));
                trueBoxes.AddRange(box);
                trueLabels.Add(label);
                for (var copies = random.Next(0, 3); copies > 0; copies--)
                {
                    var (width, height, off) = (box[2] - box[0], box[3] - box[1], random.NextDouble() * 0.3);
                    boxes.AddRange([box[0] + Shift(width, off), box[1] + Shift(height, off), box[2] + Shift(width, off), box[3] + Shift(height, off)]);
                    scores.Add(1 - random.NextDouble() * (0.2 + 2 * off));
                    labels.Add(random.Next(10) > 0 ? label : Label(random));
                }
            }
            for (var k = random.Next(0, 33); k > 0; k--)
            {
                boxes.AddRange(Box(random));
                scores.Add(random.NextDouble() * random.NextDouble());
                labels.Add(Label(random));
            }
            predictions[i] = new(Rows(boxes), tensor(scores.ToArray()), tensor(labels.ToArray()));
            targets[i] = new(Rows(trueBoxes), tensor(trueLabels.ToArray()));
        }
        return (predictions, targets);

        double Shift(double side, double off) => (random.NextDouble() - 0.5) * side * off;

        static Tensor Rows(List<double> boxes) => tensor(boxes.ToArray()).reshape(-1, 4);

        static long Label(Random random) => (long)(Classes * random.NextDouble() * random.NextDouble());

        static double[] Box(Random random)
        {
            var (width, height) = (8 + 300 * Math.Pow(random.NextDouble(), 2), 8 + 300 * Math.Pow(random.NextDouble(), 2));
            var (left, top) = ((640 - width) * random.NextDouble(), (480 - height) * random.NextDouble());
            return [left, top, left + width, top + height];
        }
    }

    static void Write(string path, Detections[] predictions, GroundTruth[] targets)
    {
        List<double> numbers = [predictions.Length];
        for (var i = 0; i < predictions.Length; i++) numbers.AddRange([predictions[i].Labels.shape[0], targets[i].Labels.shape[0]]);
        foreach (var image in predictions)
        {
            var (boxes, scores, labels) = (Numbers(image.Boxes!), Numbers(image.Scores!), Numbers(image.Labels));
            for (var k = 0; k < labels.Length; k++) numbers.AddRange([.. boxes.AsSpan(4 * k, 4), scores[k], labels[k]]);
        }
        foreach (var image in targets)
        {
            var (boxes, labels) = (Numbers(image.Boxes!), Numbers(image.Labels));
            for (var k = 0; k < labels.Length; k++) numbers.AddRange([.. boxes.AsSpan(4 * k, 4), labels[k]]);
        }
        File.WriteAllBytes(path, MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(numbers)));
    }

    static double[] Numbers(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.NumberOfElements == 0 ? [] : tensor.to(ScalarType.Float64).data<double>().ToArray();
    }
}
