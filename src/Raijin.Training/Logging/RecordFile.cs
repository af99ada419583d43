using System.Text;

namespace Raijin.Training;

/// <summary>
/// A text file of records, a line each, that outlives the processes that write it: appended to, or replaced as a whole in one step. A last line
/// without its end was cut off with the process that wrote it, and is not there.
/// </summary>
sealed class RecordFile : IDisposable
{
    const int BufferBytes = 64 << 10;

    static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    FileStream _stream;

    RecordFile(string path, FileStream stream) => (Path, _stream) = (path, stream);

    public string Path { get; }

    /// <summary>Opens the file to append to, with these lines in it: as it is where it holds just them, else replaced.</summary>
    /// <exception cref="IOException">It can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static RecordFile Open(string path, IReadOnlyList<string> lines)
    {
        if (!File.Exists(path) || new FileInfo(path).Length != lines.Sum(l => Utf8.GetByteCount(l) + 1L)) Write(path, lines);
        return new RecordFile(path, Append(path));
    }

    /// <summary>The whole lines of a file, without their ends; none where there is no file.</summary>
    public static List<string> Read(string path)
    {
        if (!File.Exists(path)) return [];
        var lines = File.ReadAllText(path, Utf8).Split('\n');
        // What follows the last line's end is empty, or half a line.
        return [.. lines[..^1]];
    }

    /// <summary>Appends a line, its end included in <paramref name="line"/>.</summary>
    public void Add(ReadOnlySpan<byte> line) => _stream.Write(line);

    public void Flush() => _stream.Flush();

    /// <summary>Puts other lines in place of all there are. Whoever reads the file sees the one or the other, never a part.</summary>
    public void Replace(IReadOnlyList<string> lines)
    {
        _stream.Dispose();
        Write(Path, lines);
        _stream = Append(Path);
    }

    public void Dispose() => _stream.Dispose();

    static FileStream Append(string path) => new(path, FileMode.Append, FileAccess.Write, FileShare.Read, BufferBytes);

    static void Write(string path, IReadOnlyList<string> lines)
    {
        var temporary = path + ".tmp";
        using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            using (var writer = new StreamWriter(stream, Utf8, leaveOpen: true))
                foreach (var line in lines) writer.Write(line + "\n");
            stream.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: true);
    }
}
