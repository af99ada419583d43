using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Raijin.Benchmarks;

/// <summary>A markdown page of results: printed, and written to <c>benchmarks/results/&lt;machine&gt;/&lt;name&gt;.md</c> with all that is needed to read it.</summary>
sealed class Report(string name, string[] arguments)
{
    readonly StringBuilder _text = new();

    /// <summary>Starts a table.</summary>
    public void Table(string title, params string[] columns)
    {
        _text.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n| {string.Join(" | ", columns)} |\n|{string.Concat(columns.Select((_, i) => i == 0 ? "---|" : "---:|"))}\n");
    }

    /// <summary>Adds a row.</summary>
    public void Row(params string[] cells) => _text.Append(CultureInfo.InvariantCulture, $"| {string.Join(" | ", cells)} |\n");

    /// <summary>Adds a line of text.</summary>
    public void Note(string text) => _text.Append('\n').Append(text).Append('\n');

    /// <summary>Prints the page and writes it.</summary>
    public void Write()
    {
        var threads = string.Create(CultureInfo.InvariantCulture, $"{TorchSharp.torch.get_num_threads()} libtorch threads");
        var head = $"""
            # {name}

            {Machine()}; .NET {Environment.Version}; {RuntimeInformation.OSDescription}; TorchSharp {typeof(TorchSharp.torch).Assembly.GetName().Version}, libtorch {TorchSharp.torch.__version__}; {threads}; {DateTime.UtcNow:yyyy-MM-dd}.
            `dotnet run -c Release --project benchmarks/Raijin.Benchmarks -- {string.Join(' ', arguments)}`

            """;
        var page = head + _text;
        Console.WriteLine(page);
        var folder = Path.Combine(Root(), "benchmarks", "results", string.Concat(Machine().Split(Path.GetInvalidFileNameChars())).Replace(' ', '-').ToLowerInvariant());
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, arguments[0] + ".md"), page);
    }

    static string Machine()
    {
        var model = File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() : null;
        return string.Create(CultureInfo.InvariantCulture, $"{model ?? RuntimeInformation.ProcessArchitecture.ToString()} {Processors()} cores");
    }

    // A rank that is bound to some of them still runs on a machine that has all.
    static int Processors() => File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").Count(l => l.StartsWith("processor", StringComparison.Ordinal)) : Environment.ProcessorCount;

    public static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Raijin.slnx"))) folder = folder.Parent;
        return folder?.FullName ?? Directory.GetCurrentDirectory();
    }
}
