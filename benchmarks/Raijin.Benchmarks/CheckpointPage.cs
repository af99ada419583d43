using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Raijin.Tensors;
using Raijin.Training;
using static TorchSharp.torch;

namespace Raijin.Benchmarks;

/// <summary>
/// Saving and loading 400 MB: 100 fp32 tensors of a million elements. Against the file itself, written and read in blocks of 4 MB, and against
/// <c>torch.save</c> and <c>torch.load</c> where a Python with torch is named. <c>--rounds n</c>, <c>--folder DIR</c> (on the disk to measure; default: the
/// build's output), <c>--python COMMAND</c>.
/// </summary>
static unsafe partial class CheckpointPage
{
    const int Tensors = 100;
    const int Elements = 1_000_000;
    const long Bytes = 4L * Tensors * Elements;
    const int BlockBytes = 4 << 20;
    const int DontNeed = 4;

    public static void Run(string[] args)
    {
        var rounds = Pages.Option(args, "--rounds") ?? 15;
        var folder = Path.Combine(Text(args, "--folder") ?? AppContext.BaseDirectory, "checkpoint-page");
        Directory.CreateDirectory(folder);
        using var scope = NewDisposeScope();
        KeyValuePair<string, Tensor>[] tensors = [.. Enumerable.Range(0, Tensors).Select(i => new KeyValuePair<string, Tensor>($"layer.{i}.weight", rand(Elements)))];
        var content = new CheckpointContent();
        content.Tensors["model"] = tensors;

        using var store = new CheckpointStore(Path.Combine(folder, "store"));
        using var python = Text(args, "--python") is { } command ? PythonTorch.Start(command, Path.Combine(folder, "torch.pt"), Tensors, Elements) : null;
        var report = new Report("Saving and loading 400 MB, 100 fp32 tensors of a million", [.. args.Where((a, i) => !IsPath(args, i))]);
        report.Note($"Median of {rounds} interleaved rounds; ratios are medians of the ratio within a round. Every save ends with fsync.");
        Saves(report, rounds, folder, tensors, content, store, python);
        Loads(report, rounds, folder, tensors, store, python);
        report.Write();
        Directory.Delete(folder, recursive: true);
    }

    static void Saves(Report report, int rounds, string folder, KeyValuePair<string, Tensor>[] tensors, CheckpointContent content, CheckpointStore store, PythonTorch? python)
    {
        var raw = Path.Combine(folder, "raw");
        var memory = tensors.Select(t => t.Value).ToArray();
        List<Contestant> contestants =
        [
            new("the file alone: blocks of 4 MB, fsync", () => WriteRaw(raw, memory)),
            new("SafetensorsWriter.Write", () => SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), tensors)),
            new("CheckpointStore.Save (hashed, manifest, index)", () => store.Save("saved", content, new(1))),
            new("CheckpointStore.SaveInBackground, the stall", () => store.SaveInBackground("background", content, new(2)), After: () => store.Flush()),
        ];
        if (python is not null) contestants.Add(new("torch.save", () => python.Do("save")));
        var times = Interleaved.Measure(rounds, [.. contestants]);
        Write(report, "Saving", times, [times[0], times[2]], ["the file alone", "Save"]);
    }

    static void Loads(Report report, int rounds, string folder, KeyValuePair<string, Tensor>[] tensors, CheckpointStore store, PythonTorch? python)
    {
        var path = Path.Combine(folder, "model.safetensors");
        var existing = tensors.Select(t => new KeyValuePair<string, Tensor>(t.Key, zeros(Elements))).ToArray();
        var block = (byte*)NativeMemory.AlignedAlloc(BlockBytes, 4096);
        var whole = (byte*)NativeMemory.AlignedAlloc((nuint)Bytes, 4096);
        new Span<byte>(whole, (int)Bytes).Fill(1);
        var threads = get_num_threads();
        List<Contestant> contestants =
        [
            new("the file alone, into one block of 4 MB", () => ReadRaw(path, block, 0)),
            new("the file alone, into 400 MB", () => ReadRaw(path, whole, BlockBytes)),
            new("mapped: open, every tensor made", () => Map(path, read: false)),
            new("mapped, every element read, 1 thread", () => Map(path, read: true), Before: () => set_num_threads(1), After: () => set_num_threads(threads)),
            new("copied into existing tensors", () => Copy(path, existing)),
            new("CheckpointStore.Open, hashes compared, copied", () => CopyVerified(store, existing)),
        ];
        if (python is not null) contestants.Add(new("torch.load", () => python.Do("load")));
        var warm = Interleaved.Measure(rounds, [.. contestants]);
        Write(report, "Loading, the file in memory", warm, python is null ? [warm[0], warm[1]] : [warm[0], warm[1], warm[^1]], python is null ? ["4 MB block", "400 MB"] : ["4 MB block", "400 MB", "torch.load"]);

        Contestant[] fromDisk =
        [
            new("the file alone, into 400 MB", () => ReadRaw(path, whole, BlockBytes), Before: () => Forget(path)),
            new("copied into existing tensors", () => Copy(path, existing), Before: () => Forget(path)),
        ];
        var cold = Interleaved.Measure(Math.Max(rounds / 2, 3), fromDisk);
        Write(report, "Loading, from the disk", cold, [cold[0]], ["the file alone"]);
        foreach (var (name, tensor) in existing) Trace.Assert(tensor.Equals(tensors.First(t => t.Key == name).Value), name);
        NativeMemory.AlignedFree(block);
        NativeMemory.AlignedFree(whole);
    }

    static void Write(Report report, string title, Timing[] times, Timing[] bases, string[] names)
    {
        report.Table(title, ["", "time", "GB/s", .. names.Select(n => $"time of {n} / time")]);
        foreach (var time in times)
            report.Row([time.Name, Pages.Show(time), Pages.Number(Bytes / time.Median / 1e9), .. bases.Select(b => Pages.Number(b.RatioTo(time)))]);
    }

    static void WriteRaw(string path, Tensor[] tensors)
    {
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        var at = 0L;
        foreach (var tensor in tensors)
        {
            // A million floats are not quite 4 MB.
            RandomAccess.Write(file, tensor.bytes, at);
            at += tensor.bytes.Length;
        }

        RandomAccess.FlushToDisk(file);
    }

    static void ReadRaw(string path, byte* to, int step)
    {
        using var file = File.OpenHandle(path);
        var done = 0L;
        for (int read; done < Bytes && (read = RandomAccess.Read(file, new Span<byte>(to, (int)Math.Min(BlockBytes, Bytes - done)), done)) > 0; done += read) to += step == 0 ? 0 : read;
    }

    static void Map(string path, bool read)
    {
        using var file = SafetensorsFile.Open(path);
        foreach (var name in file.Names)
        {
            using var tensor = file.Tensor(name);
            if (!read) continue;
            using var sum = tensor.sum();
        }
    }

    static void Copy(string path, KeyValuePair<string, Tensor>[] existing)
    {
        using var file = SafetensorsFile.Open(path);
        foreach (var (name, tensor) in existing) file.CopyTo(name, tensor);
    }

    static void CopyVerified(CheckpointStore store, KeyValuePair<string, Tensor>[] existing)
    {
        using var checkpoint = store.Open("saved");
        var file = checkpoint.File("model");
        foreach (var (name, tensor) in existing) file.CopyTo(name, tensor);
    }

    static void Forget(string path)
    {
        using var file = File.OpenHandle(path);
        _ = Advise(file, 0, 0, DontNeed);
    }

    static string? Text(string[] args, string name) => Array.IndexOf(args, name) is var at and >= 0 ? args[at + 1] : null;

    static bool IsPath(string[] args, int index) => args[index] is "--folder" or "--python" || (index > 0 && args[index - 1] is "--folder" or "--python");

    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    private static partial int Advise(SafeFileHandle file, long offset, long length, int advice);

    /// <summary>A Python that saves and loads when told to, so that its rounds lie between ours.</summary>
    sealed class PythonTorch : IDisposable
    {
        readonly Process _process;

        PythonTorch(Process process) => _process = process;

        public static PythonTorch Start(string command, string path, int tensors, int elements)
        {
            string[] arguments = [Path.Combine(Report.Root(), "benchmarks", "comparison", "checkpoint.py"), path, tensors.ToString(CultureInfo.InvariantCulture), elements.ToString(CultureInfo.InvariantCulture)];
            var python = new PythonTorch(Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!);
            python.Expect("ready");
            return python;
        }

        public void Do(string what)
        {
            _process.StandardInput.WriteLine(what);
            _process.StandardInput.Flush();
            Expect("done");
        }

        public void Dispose()
        {
            _process.StandardInput.Close();
            _process.WaitForExit();
            _process.Dispose();
        }

        void Expect(string line)
        {
            var answer = _process.StandardOutput.ReadLine();
            if (answer != line) throw new InvalidOperationException($"checkpoint.py answered \"{answer}\", expected \"{line}\".");
        }
    }
}
