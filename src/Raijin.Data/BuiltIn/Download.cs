namespace Raijin;

/// <summary>Where from and how a data set is downloaded.</summary>
public sealed record DownloadOptions
{
    /// <summary>
    /// Folders on the web that hold the files, tried in turn; each ends in a slash. <value>Default: the set's own mirrors.</value>
    /// </summary>
    public IReadOnlyList<Uri>? Mirrors { get; init; }

    /// <summary>
    /// The client to use, borrowed: proxies, timeouts, headers. <value>Default: a fresh one with .NET's defaults.</value>
    /// </summary>
    public HttpClient? Client { get; init; }
}

/// <summary>How far a download has come.</summary>
/// <param name="File">The file.</param>
/// <param name="Bytes">Bytes received.</param>
/// <param name="TotalBytes">Bytes it has.</param>
public readonly record struct DownloadProgress(string File, long Bytes, long TotalBytes);

/// <summary>A file could not be downloaded from any mirror.</summary>
public sealed class DownloadException : IOException
{
    /// <summary>Says which file, why each mirror failed, and where to put it by hand.</summary>
    public DownloadException(string file, string folder, IReadOnlyList<Exception> failures)
        : base(Describe(file, folder, failures), failures is [var first, ..] ? first : null) => Failures = failures;

    /// <summary>What each mirror failed with, in the order they were tried.</summary>
    public IReadOnlyList<Exception> Failures { get; }

    static string Describe(string file, string folder, IReadOnlyList<Exception> failures)
    {
        ArgumentNullException.ThrowIfNull(failures);
        var reasons = failures.Count == 0 ? "no mirror was given" : string.Join("; ", failures.Select(failure => failure.Message));
        return $"{file} could not be downloaded ({reasons}). Try again on line, give another mirror, or put the file into '{folder}' by hand.";
    }
}
