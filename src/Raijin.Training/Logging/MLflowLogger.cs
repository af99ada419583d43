using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Raijin.Training;

namespace Raijin;

/// <summary>
/// Sends logged values, options and hyper-parameters to an MLflow server; charts, images and text as artifacts where the server stores them for its clients
/// (<c>mlflow server --artifacts-destination</c>).
/// </summary>
/// <remarks>
/// Values are gathered for a second and sent at most 1000 at a time. A server that is down or slow is tried again in the background until the run ends: training
/// goes on, and what waits too long is dropped and counted (<see cref="RunLogger"/>). A resumed run continues the same MLflow run, whose id lies in the run's
/// folder; steps repeated after a crash are sent again, with equal values. Lightning's <c>MLFlowLogger</c>.
/// </remarks>
public sealed class MLflowLogger : RunLogger
{
    const string RunFile = "mlflow.json";
    const int MaxMetrics = 1000;
    const int MaxParameters = 100;
    const int LongestParameter = 500;
    const string ArtifactScheme = "mlflow-artifacts:";

    readonly Uri _server;
    readonly string _experiment;
    readonly string? _token;
    JsonArray _metrics = [];
    MLflowClient? _client;
    string? _runId;
    string? _artifacts;

    /// <summary>Makes the logger.</summary>
    /// <param name="server">The server's address, such as <c>http://localhost:5000</c>.</param>
    /// <param name="experiment">The experiment's name; it is created where there is none.</param>
    /// <param name="token">Sent as a bearer token; never shown. Null for none.</param>
    public MLflowLogger(Uri server, string experiment = "Default", string? token = null)
    {
        ArgumentNullException.ThrowIfNull(server);
        ArgumentException.ThrowIfNullOrWhiteSpace(experiment);
        if (!server.IsAbsoluteUri || server.Scheme is not ("http" or "https"))
            throw new ArgumentException($"\"{server.OriginalString}\" is not a server's address: write one such as http://localhost:5000.", nameof(server));
        // Relative endpoints go below the whole path of the address.
        _server = server.AbsolutePath.EndsWith('/') ? server : new UriBuilder(server) { Path = server.AbsolutePath + "/" }.Uri;
        _experiment = experiment;
        _token = token;
    }

    /// <summary>How long to wait before the first new try; doubled each time.</summary>
    internal TimeSpan FirstWait { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <inheritdoc/>
    public override bool Accepts(LogKind kind) => kind is LogKind.Scalars or LogKind.Parameters or LogKind.Images or LogKind.Figures or LogKind.Text;

    /// <inheritdoc/>
    public override TimeSpan Pace => TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    /// <exception cref="MLflowException">The server refused.</exception>
    public override void Open(string directory, long fromStep)
    {
        _metrics = [];
        _client = MakeClient();
        var file = Path.Combine(directory, RunFile);
        if (fromStep > 0 && File.Exists(file) && Continue(file)) return;

        var experiment = FindExperiment();
        var answer = _client.Post("runs/create", new JsonObject
        {
            ["experiment_id"] = experiment,
            ["run_name"] = Session.Run.Name,
            ["start_time"] = Now(),
            ["tags"] = new JsonArray(Tag("mlflow.runName", Session.Run.Name), Tag("mlflow.source.name", directory)),
        });
        Take(answer["run"]?["info"]);
        var temporary = file + ".tmp";
        File.WriteAllText(temporary, new JsonObject { ["server"] = _server.GetComponents(UriComponents.HttpRequestUrl, UriFormat.UriEscaped), ["runId"] = _runId }.ToJsonString());
        File.Move(temporary, file, overwrite: true);

        foreach (var parameters in Session.Run.Parameters.Chunk(MaxParameters))
            _client.Post("runs/log-batch", new JsonObject { ["run_id"] = _runId, ["params"] = new JsonArray([.. parameters.Select(p => Pair(p.Key, RunDescription.TextOf(p.Value)))]) });
        if (Session.Run.Layers is { } layers) Store("module.txt", Encoding.UTF8.GetBytes(layers));
    }

    /// <inheritdoc/>
    public override void Write(LogRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        var now = Now();
        foreach (var (key, value) in record.Values)
        {
            _metrics.Add(new JsonObject
            {
                ["key"] = Clean(key),
                ["value"] = double.IsFinite(value) ? value : double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity",
                ["timestamp"] = now,
                ["step"] = record.Step,
            });
            if (_metrics.Count == MaxMetrics) Flush();
        }
        foreach (var item in record.Items)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{Clean(item.Key)}/step-{record.Step:D8}");
            switch (item)
            {
                case ImagesItem images: Store(name + ".png", images.Png); break;
                case FigureItem figure: Store(name + ".png", figure.Png); break;
                case TextItem text: Store(name + ".md", Encoding.UTF8.GetBytes(text.Text)); break;
            }
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        if (_metrics.Count == 0) return;
        _client!.Post("runs/log-batch", new JsonObject { ["run_id"] = _runId, ["metrics"] = _metrics });
        _metrics = [];
    }

    /// <inheritdoc/>
    public override void Finish(RunOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        var status = outcome.Status switch { RunStatus.Finished => "FINISHED", RunStatus.Interrupted => "KILLED", _ => "FAILED" };
        if (outcome.Reason.Length > 0) _client!.Post("runs/set-tag", new JsonObject { ["run_id"] = _runId, ["key"] = "raijin.ended", ["value"] = outcome.Reason });
        _client!.Post("runs/update", new JsonObject { ["run_id"] = _runId, ["status"] = status, ["end_time"] = Now() });
    }

    /// <inheritdoc/>
    public override void Close()
    {
        _client?.Dispose();
        _client = null;
    }

    MLflowClient MakeClient() => new(_server, _token, Session, FirstWait);

    /// <summary>Takes up the run an earlier process began.</summary>
    /// <returns>False where the server does not know it (any more).</returns>
    bool Continue(string file)
    {
        if (JsonNode.Parse(File.ReadAllText(file))?["runId"]?.GetValue<string>() is not { } id) return false;
        if (_client!.Find("runs/get", $"run_id={Uri.EscapeDataString(id)}") is not { } found) return false;
        Take(found["run"]?["info"]);
        _client.Post("runs/update", new JsonObject { ["run_id"] = _runId, ["status"] = "RUNNING" });
        return true;
    }

    string FindExperiment()
    {
        var found = _client!.Find("experiments/get-by-name", $"experiment_name={Uri.EscapeDataString(_experiment)}")?["experiment"]?["experiment_id"]
            ?? _client.Post("experiments/create", new JsonObject { ["name"] = _experiment })["experiment_id"]
            ?? throw new MLflowException("MLflow's experiments/create", "answered without an experiment_id.");
        return found.GetValue<string>();
    }

    void Take(JsonNode? info)
    {
        _runId = info?["run_id"]?.GetValue<string>() ?? throw new MLflowException("MLflow's runs", "answered without a run_id.");
        // Other addresses are stores of their own, for which the client would need their credentials.
        _artifacts = info["artifact_uri"]?.GetValue<string>() is { } address && address.StartsWith(ArtifactScheme, StringComparison.Ordinal)
            ? address[ArtifactScheme.Length..].TrimStart('/')
            : null;
    }

    void Store(string name, ReadOnlyMemory<byte> bytes)
    {
        if (_artifacts is { } root) _client!.Upload($"{root}/{name}", bytes);
    }

    long Now() => Session.Time.GetUtcNow().ToUnixTimeMilliseconds();

    static JsonObject Pair(string key, string value) => new() { ["key"] = Clean(key), ["value"] = value.Length <= LongestParameter ? value : value[..(LongestParameter - 1)] + "…" };

    static JsonObject Tag(string key, string value) => new() { ["key"] = key, ["value"] = value };

    /// <summary>A name MLflow takes: letters, digits, and <c>_ - . / space</c>.</summary>
    static string Clean(string key) => string.Concat(key.Select(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '/' or ' ' ? c : '_'));
}
