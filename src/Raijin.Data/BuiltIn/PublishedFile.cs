using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Raijin.Data;

/// <summary>A file that lies, gzip-compressed, on mirrors.</summary>
/// <param name="Name">Its name, without .gz.</param>
/// <param name="CompressedBytes">Size of the .gz.</param>
/// <param name="Md5">
/// The checksum its publisher gives for the .gz, in lower-case hex: a guard against damage, not against an attacker.
/// </param>
sealed record PublishedFile(string Name, long CompressedBytes, string Md5)
{
    const int BufferBytes = 128 << 10;

    /// <summary>Its path in a folder, raw or compressed, or null when it is not there.</summary>
    public string? In(string folder) =>
        new[] { Name, Name + ".gz" }.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    /// <summary>
    /// Downloads it from the first mirror that has it whole. The file appears under its name complete and checked, or not at all.
    /// </summary>
    /// <exception cref="DownloadException">No mirror had it.</exception>
    public async Task DownloadAsync(
        string folder, IReadOnlyList<Uri> mirrors, HttpClient client, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        var target = Path.Combine(folder, Name + ".gz");
        var partial = target + ".part";
        var failures = new List<Exception>();
        foreach (var mirror in mirrors)
        {
            var address = new Uri(mirror, Name + ".gz");
            try
            {
                await FetchAsync(address, partial, client, progress, cancellationToken).ConfigureAwait(false);
                File.Move(partial, target, overwrite: true);
                return;
            }
            // A mirror that is down, slow or serves something else: the next one may do better.
            catch (Exception error) when (error is HttpRequestException or HttpIOException or InvalidDataException
                                          || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                failures.Add(new IOException($"{address}: {error.Message}", error));
            }
            finally
            {
                File.Delete(partial);
            }
        }
        throw new DownloadException(Name + ".gz", folder, failures);
    }

    async Task FetchAsync(Uri address, string path, HttpClient client, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        using var response = await client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        response.EnsureSuccessStatusCode();
        using var source = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        using var hash = NewMd5();
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        long bytes = 0;
        try
        {
            using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.Asynchronous);
            while (await source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
            {
                bytes += read;
                if (bytes > CompressedBytes) break;
                hash.AppendData(buffer, 0, read);
                await file.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
                progress?.Report(new(Name + ".gz", bytes, CompressedBytes));
            }
            file.Flush(flushToDisk: true);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        if (bytes != CompressedBytes)
        {
            var came = bytes > CompressedBytes ? $"more than {CompressedBytes}" : $"{bytes}";
            throw new InvalidDataException($"{came} bytes came, {CompressedBytes} were expected");
        }
        var md5 = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (md5 != Md5) throw new InvalidDataException($"the MD5 of what came is {md5}, {Md5} was expected");
    }

    [SuppressMessage("Security", "CA5351", Justification = "The publisher's checksum is an MD5; it guards against damage.")]
    static IncrementalHash NewMd5() => IncrementalHash.CreateHash(HashAlgorithmName.MD5);
}
