using System.Globalization;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin.App;

/// <summary>A file of a model's answers, a row for each sample. It appears under its name when it is whole.</summary>
abstract class PredictionFile : IDisposable
{
    readonly string _path;
    readonly string _writing;

    /// <summary>Begins a file beside <paramref name="path"/>.</summary>
    protected PredictionFile(string path)
    {
        _path = path;
        _writing = DurableFile.TemporaryName(path);
        Stream = new FileStream(_writing, FileMode.CreateNew, FileAccess.Write);
    }

    /// <summary>The endings there are, for a person.</summary>
    public const string Endings = ".jsonl, .csv, .npy";

    /// <summary>Rows written.</summary>
    public long Rows { get; private set; }

    /// <summary>The bytes.</summary>
    protected FileStream Stream { get; }

    /// <summary>Whether a path ends in one of <see cref="Endings"/>.</summary>
    public static bool IsKnown(string path) => Path.GetExtension(path) is ".jsonl" or ".csv" or ".npy";

    /// <summary>A file of the kind its ending says.</summary>
    public static PredictionFile Create(string path)
    {
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
        return Path.GetExtension(path) switch
        {
            ".csv" => new CsvPredictions(path),
            ".npy" => new NumpyPredictions(path),
            _ => new JsonLinesPredictions(path),
        };
    }

    /// <summary>Appends answers.</summary>
    /// <param name="answers">[B, …] of any device and dtype; borrowed. A tensor without dimensions is one row.</param>
    public void Add(Tensor answers)
    {
        using var scope = TensorScope.Open();
        var rows = answers.detach().cpu();
        if (rows.is_floating_point()) rows = rows.to(ScalarType.Float32);
        else if (rows.dtype != ScalarType.Int64) rows = rows.to(ScalarType.Int64);
        if (rows.dim() == 0) rows = rows.unsqueeze(0);
        AddRows(rows.contiguous());
        Rows += rows.size(0);
    }

    /// <summary>Ends the file and gives it its name.</summary>
    public void Commit()
    {
        Finish();
        Stream.Dispose();
        File.Move(_writing, _path, overwrite: true);
    }

    /// <summary>Removes what was not committed.</summary>
    public void Dispose()
    {
        Stream.Dispose();
        File.Delete(_writing);
    }

    /// <summary>Writes rows.</summary>
    /// <param name="rows">[B, …] on the host, contiguous, float32 or int64.</param>
    protected abstract void AddRows(Tensor rows);

    /// <summary>Writes what comes after the last row.</summary>
    protected abstract void Finish();

    /// <summary>Every number, row-major, as text that gives it back.</summary>
    protected static string[] Numbers(Tensor rows) => rows.dtype == ScalarType.Float32
        ? [.. rows.data<float>().Select(number => number.ToString("R", CultureInfo.InvariantCulture))]
        : [.. rows.data<long>().Select(number => number.ToString(CultureInfo.InvariantCulture))];
}
