using System.Globalization;
using SkiaSharp;

namespace Raijin.Benchmarks;

/// <summary>
/// A folder of 500 × 375 JPEGs to batches of 64: random-resized crops of 224 × 224, mirrored, normalised, on two workers; beside it SkiaSharp alone decoding
/// the same files whole on two threads, which is the limit of anything that decodes them whole. <c>--rounds n</c>, <c>--images n</c>.
/// </summary>
static class ImagesPage
{
    const int Width = 500, Height = 375, Classes = 4, BatchSize = 64, Threads = 2;

    public static void Run(string[] args)
    {
        var rounds = Pages.Option(args, "--rounds") ?? 15;
        var count = Pages.Option(args, "--images") ?? 256;
        var folder = Directory.CreateTempSubdirectory("raijin-images-").FullName;
        try
        {
            var bytes = WritePhotographs(folder, count);
            var photographs = new ImageFolder(folder);
            var exact = new ImageFolder(folder, new() { ScaledDecoding = false });
            var report = new Report($"{count} JPEG files of {Width} × {Height} to batches of {BatchSize}", args);
            report.Note(string.Create(CultureInfo.InvariantCulture,
                $"Median of {rounds} interleaved rounds; ratios are medians of the ratio within a round. Generated photograph-like files, {bytes / count / 1024.0:F0} KB each, quality 90, 4:2:0. The limit decodes every file whole to RGBA on {Threads} threads and does nothing else."));
            long epoch = 0;
            ImageTransforms train = [new RandomResizedCrop(224), new RandomHorizontalFlip()];
            ImageTransforms small = [new RandomResizedCrop(64), new RandomHorizontalFlip()];
            ImageTransforms evaluate = [new Resize(256), new CenterCrop(224)];
            var times = Interleaved.Measure(
                rounds,
                new("SkiaSharp alone, whole files", () => DecodeAll(photographs.Paths), count),
                new("train: random-resized crop to 224, flip, normalise", () => Read(photographs, train), count),
                new("the same, no scaled decoding", () => Read(exact, train), count),
                new("train: random-resized crop to 64, flip, normalise", () => Read(photographs, small), count),
                new("evaluate: resize to 256, centre crop 224, normalise", () => Read(photographs, evaluate), count));
            report.Table($"{Threads} workers", "work", "per image", "images/s", "speed / limit");
            foreach (var time in times)
                report.Row(time.Name, Pages.Show(time), (1 / time.Median).ToString("F0", CultureInfo.InvariantCulture), Pages.Number(times[0].RatioTo(time)));
            report.Write();

            void Read(ImageFolder images, ImageTransforms transforms)
            {
                var loader = images.Batches(new LoaderOptions { BatchSize = BatchSize, Workers = Threads }, transforms, Normalize.ImageNet);
                using var reader = loader.Open(epoch++);
                using var scope = TensorScope.Open();
                while (reader.MoveNext()) scope.Free();
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    static void DecodeAll(IReadOnlyList<string> paths)
    {
        var next = -1;
        var threads = new Thread[Threads];
        for (var i = 0; i < Threads; i++)
        {
            threads[i] = new Thread(() =>
            {
                while (Interlocked.Increment(ref next) is var at && at < paths.Count)
                {
                    using var bitmap = SKBitmap.Decode(paths[at]);
                    if (bitmap is null) throw new InvalidDataException(paths[at]);
                }
            });
        }
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
    }

    // Smooth shapes under several octaves of noise, so that the coefficients' sizes fall off as a photograph's do.
    static long WritePhotographs(string folder, int count)
    {
        long bytes = 0;
        using var bitmap = new SKBitmap(new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(bitmap);
        for (var i = 0; i < count; i++)
        {
            var random = new RandomStream(1, (ulong)i);
            using (var sky = SKShader.CreateLinearGradient(new(0, 0), new(Width, Height), [Color(random), Color(random), Color(random)], SKShaderTileMode.Clamp))
            using (var paint = new SKPaint { Shader = sky })
                canvas.DrawPaint(paint);
            for (var shape = 0; shape < 24; shape++)
            {
                using var paint = new SKPaint { Color = Color(random).WithAlpha(160), IsAntialias = true };
                canvas.DrawOval((float)(random.NextDouble() * Width), (float)(random.NextDouble() * Height), 10 + 90 * random.NextSingle(), 10 + 60 * random.NextSingle(), paint);
            }
            for (var octave = 0; octave < 3; octave++)
            {
                using var noise = SKShader.CreatePerlinNoiseFractalNoise(0.02f * (1 << (2 * octave)), 0.02f * (1 << (2 * octave)), 3, i + octave);
                using var paint = new SKPaint { Shader = noise, BlendMode = SKBlendMode.Overlay, Color = SKColors.White.WithAlpha((byte)(160 >> octave)) };
                canvas.DrawPaint(paint);
            }
            canvas.Flush();
            AddGrain(bitmap, random);
            var path = Path.Combine(folder, $"class{i % Classes}");
            Directory.CreateDirectory(path);
            using var file = File.Create(Path.Combine(path, $"{i:d5}.jpg"));
            bitmap.Encode(file, SKEncodedImageFormat.Jpeg, 90);
            bytes += file.Length;
        }
        return bytes;
    }

    // A sensor's noise: a few levels, the same in all channels.
    static void AddGrain(SKBitmap bitmap, RandomStream random)
    {
        var pixels = bitmap.Pixels;
        for (var i = 0; i < pixels.Length; i++)
        {
            var grain = (int)random.NextInt64(13) - 6;
            var color = pixels[i];
            pixels[i] = new(Add(color.Red), Add(color.Green), Add(color.Blue));

            byte Add(byte level) => (byte)Math.Clamp(level + grain, 0, 255);
        }
        bitmap.Pixels = pixels;
    }

    static SKColor Color(RandomStream random) => new((byte)random.NextInt64(256), (byte)random.NextInt64(256), (byte)random.NextInt64(256));
}
