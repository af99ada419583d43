using System.Text;
using System.Text.Json.Nodes;
using Raijin.Parallel;
using Raijin.Tensors;
using static TorchSharp.torch;

namespace Raijin;

/// <summary>A checkpoint of another framework, open: its tensors by name, over the pages of its files, and what else it says as plain data. Nothing in it is run.</summary>
public sealed class ImportedCheckpoint : IDisposable
{
    internal const string ModelStem = "model";
    internal const string OptimizerStem = "optimizer";

    readonly List<IDisposable> _owned = [];
    readonly List<PiecewiseTensor> _model = [];
    readonly List<PiecewiseTensor> _optimizer = [];
    readonly List<string> _notes = [];
    readonly HashSet<string> _names = new(StringComparer.Ordinal);

    internal ImportedCheckpoint(string path) => Path = path;

    /// <summary>The file or folder it was read from.</summary>
    public string Path { get; }

    /// <summary>What it is, in words: <c>DeepSpeed, ZeRO stage 2, 2 ranks</c>.</summary>
    public string Format { get; internal set; } = "";

    /// <summary>Optimizer steps done, as far as it says; else 0.</summary>
    public long Step { get; internal set; }

    /// <summary>The weights by the names of their state_dict: float32 masters where it has them.</summary>
    public IReadOnlyList<PiecewiseTensor> Model => _model;

    /// <summary>Optimizer state as <c>0/parameter/slot</c>, the first number that of the optimizer.</summary>
    public IReadOnlyList<PiecewiseTensor> Optimizer => _optimizer;

    /// <summary>Everything that is not a tensor: numbers, hyper-parameters, the optimizers' options.</summary>
    public JsonObject State { get; } = [];

    /// <summary>What was left out, a sentence each.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>
    /// Opens a folder that DeepSpeed saved (ZeRO stages 0 to 3, or its universal form), a Lightning checkpoint or any file of <c>torch.save</c> that holds a state_dict.
    /// </summary>
    /// <param name="path">The file; or the folder of one checkpoint, or the folder around it with its file <c>latest</c>.</param>
    /// <exception cref="PickleException">A file is damaged, or asks for what is not given.</exception>
    /// <exception cref="CheckpointException">The parts do not make a whole, or the kind is not known.</exception>
    public static ImportedCheckpoint Open(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var imported = new ImportedCheckpoint(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path)));
        try
        {
            if (File.Exists(imported.Path)) StateDictImport.Read(imported);
            else if (Directory.Exists(imported.Path)) DeepSpeedImport.Read(imported);
            else throw new CheckpointException(imported.Path, "there is no such file or folder.");
            return imported;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            imported.Dispose();
            throw new CheckpointException(imported.Path, $"it cannot be read: {error.Message}", innerException: error);
        }
        catch
        {
            imported.Dispose();
            throw;
        }
    }

    /// <summary>Writes it as a checkpoint of one rank: <c>model.safetensors</c>, <c>optimizer.safetensors</c> where it has optimizer state, <c>state.json</c>.</summary>
    /// <param name="path">The folder to make; the one around it exists. What was there is replaced in one step.</param>
    /// <param name="withOptimizer">Whether optimizer state is written too.</param>
    /// <param name="time">Where its date comes from; the system's clock when none is given.</param>
    /// <exception cref="CheckpointException">It could not be written; what was there before is untouched.</exception>
    public CheckpointInfo Write(string path, bool withOptimizer = true, TimeProvider? time = null)
    {
        try
        {
            using var staging = CheckpointStaging.Create(path);
            Add(staging, ModelStem, _model);
            if (withOptimizer && _optimizer.Count > 0) Add(staging, OptimizerStem, _optimizer);
            var state = new JsonObject { ["version"] = 1, ["imported"] = new JsonObject { ["format"] = Format, ["step"] = Step, ["notes"] = new JsonArray([.. _notes.Select(n => (JsonNode)n)]), ["state"] = State.DeepClone() } };
            staging.Write(CheckpointStaging.StateFile, Encoding.UTF8.GetBytes(state.ToJsonString()));
            return staging.Publish(new CheckpointFacts(Step), (time ?? TimeProvider.System).GetUtcNow());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw CheckpointStaging.Refused(path, error);
        }

        static void Add(CheckpointStaging staging, string stem, List<PiecewiseTensor> tensors) =>
            staging.Add(stem + CheckpointStaging.TensorSuffix, SafetensorsWriter.WriteJoinedIn(staging.Folder, stem + CheckpointStaging.TensorSuffix, tensors));
    }

    /// <summary>Lets go of the files and of the tensors over them.</summary>
    public void Dispose()
    {
        for (var i = _owned.Count - 1; i >= 0; i--) _owned[i].Dispose();
        _owned.Clear();
    }

    internal TorchFile OpenFile(string path)
    {
        var file = TorchFile.Open(path);
        _owned.Add(file);
        return file;
    }

    internal Tensor Load(TorchFile file, PickleTensor tensor) => Own(file.Load(tensor));

    internal Tensor Own(Tensor tensor)
    {
        tensor.DetachFromDisposeScope();
        _owned.Add(tensor);
        return tensor;
    }

    internal void AddModel(string name, IReadOnlyList<long> shape, IReadOnlyList<Tensor> pieces) => Add(_model, name, shape, pieces);

    internal void AddOptimizer(string parameter, string slot, IReadOnlyList<long> shape, IReadOnlyList<Tensor> pieces, int optimizer = 0) =>
        Add(_optimizer, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{optimizer}/{parameter}/{slot}"), shape, pieces);

    internal void Note(string sentence) => _notes.Add(sentence);

    void Add(List<PiecewiseTensor> to, string name, IReadOnlyList<long> shape, IReadOnlyList<Tensor> pieces)
    {
        if (!_names.Add($"{(ReferenceEquals(to, _model) ? ModelStem : OptimizerStem)}/{name}")) throw new CheckpointException(Path, $"it holds \"{name}\" twice.");
        if (name is "" or SafetensorsHeader.MetadataKey) throw new CheckpointException(Path, $"\"{name}\" can't be the name of a tensor.");
        if (SafetensorsDtype.FromScalarType(pieces[0].dtype) is null) throw new CheckpointException(Path, $"\"{name}\" is {pieces[0].dtype}, which checkpoints do not hold.");
        if (pieces.Any(p => p.dtype != pieces[0].dtype)) throw new CheckpointException(Path, $"the parts of \"{name}\" are {string.Join(" and ", pieces.Select(p => p.dtype).Distinct())}: one type was expected.");
        to.Add(new PiecewiseTensor(name, shape, pieces));
    }
}
