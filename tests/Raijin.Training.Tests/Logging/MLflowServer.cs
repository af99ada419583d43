using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Raijin.Training.Tests.Logging;

/// <summary>The endpoints of an MLflow server that a logger needs, on the loopback, with its limits and its error answers. What it stores outlives a restart.</summary>
sealed class MLflowServer : IDisposable
{
    readonly int _port = FreePort();
    readonly ConcurrentDictionary<string, string> _experiments = new();
    HttpListener? _listener;

    public Uri Address => new($"http://127.0.0.1:{_port}");

    public ConcurrentDictionary<string, Run> Runs { get; } = new();

    public ConcurrentDictionary<string, byte[]> Artifacts { get; } = new();

    public ConcurrentQueue<string> Requests { get; } = new();

    public string? Token { get; init; }

    public bool StoresArtifacts { get; init; }

    /// <summary>How many requests from now on are answered with 503.</summary>
    public int Failures;

    /// <summary>Set while requests are answered; reset, they hang.</summary>
    public ManualResetEventSlim Answers { get; } = new(true);

    public sealed class Run
    {
        public string Status { get; set; } = "RUNNING";

        public Dictionary<string, string> Parameters { get; } = [];

        public Dictionary<string, string> Tags { get; } = [];

        public List<(string Key, double Value, long Step)> Metrics { get; } = [];
    }

    public MLflowServer Start()
    {
        var listener = _listener = new HttpListener();
        listener.Prefixes.Add(Address.ToString());
        listener.Start();
        new Thread(() => Serve(listener)) { IsBackground = true }.Start();
        return this;
    }

    public void Stop()
    {
        _listener?.Close();
        _listener = null;
    }

    void Serve(HttpListener listener)
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = listener.GetContext();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }
            try
            {
                Answers.Wait();
                Answer(context);
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException or IOException)
            {
                // The client has gone.
            }
        }
    }

    void Answer(HttpListenerContext context)
    {
        var request = context.Request;
        var path = request.Url!.AbsolutePath;
        Requests.Enqueue(path);
        using var body = new MemoryStream();
        request.InputStream.CopyTo(body);
        if (Failures > 0)
        {
            Interlocked.Decrement(ref Failures);
            Respond(context, 503, "down for a moment");
            return;
        }
        if (Token is not null && request.Headers["Authorization"] != $"Bearer {Token}")
        {
            Respond(context, 401, "who are you?");
            return;
        }
        if (path.StartsWith("/api/2.0/mlflow-artifacts/artifacts/", StringComparison.Ordinal))
        {
            Artifacts[Uri.UnescapeDataString(path["/api/2.0/mlflow-artifacts/artifacts/".Length..])] = body.ToArray();
            Respond(context, 200, "{}");
            return;
        }
        var content = body.Length > 0 ? JsonNode.Parse(body.ToArray())!.AsObject() : [];
        var (status, answer) = Handle(path["/api/2.0/mlflow/".Length..], content, request.QueryString);
        Respond(context, status, answer.ToJsonString());
    }

    (int Status, JsonObject Answer) Handle(string endpoint, JsonObject content, System.Collections.Specialized.NameValueCollection query)
    {
        switch (endpoint)
        {
            case "experiments/get-by-name":
                return _experiments.TryGetValue(query["experiment_name"]!, out var known)
                    ? (200, new JsonObject { ["experiment"] = new JsonObject { ["experiment_id"] = known } })
                    : (404, new JsonObject { ["error_code"] = "RESOURCE_DOES_NOT_EXIST" });
            case "experiments/create":
                var experiment = $"{_experiments.Count + 1}";
                _experiments[(string)content["name"]!] = experiment;
                return (200, new JsonObject { ["experiment_id"] = experiment });
            case "runs/create":
                Assert.Contains((string)content["experiment_id"]!, _experiments.Values);
                var id = $"run{Runs.Count}";
                Runs[id] = new Run();
                foreach (var tag in content["tags"]!.AsArray()) Runs[id].Tags[(string)tag!["key"]!] = (string)tag["value"]!;
                return (200, Info(id));
            case "runs/get":
                return Runs.ContainsKey(query["run_id"]!) ? (200, Info(query["run_id"]!)) : (404, []);
        }
        var run = Runs[(string)content["run_id"]!];
        switch (endpoint)
        {
            case "runs/log-batch":
                var (metrics, parameters) = (content["metrics"]?.AsArray() ?? [], content["params"]?.AsArray() ?? []);
                if (metrics.Count > 1000 || parameters.Count > 100) return (400, new JsonObject { ["error_code"] = "INVALID_PARAMETER_VALUE" });
                foreach (var metric in metrics) run.Metrics.Add(((string)metric!["key"]!, Number(metric["value"]!), (long)metric["step"]!));
                foreach (var parameter in parameters) run.Parameters.Add((string)parameter!["key"]!, (string)parameter["value"]!);
                return (200, []);
            case "runs/set-tag":
                run.Tags[(string)content["key"]!] = (string)content["value"]!;
                return (200, []);
            case "runs/update":
                run.Status = (string)content["status"]!;
                return (200, []);
            default:
                return (404, []);
        }
    }

    JsonObject Info(string id) => new()
    {
        ["run"] = new JsonObject
        {
            ["info"] = new JsonObject { ["run_id"] = id, ["artifact_uri"] = StoresArtifacts ? $"mlflow-artifacts:/1/{id}/artifacts" : "s3://elsewhere/" + id },
        },
    };

    static double Number(JsonNode value) => value.GetValueKind() == System.Text.Json.JsonValueKind.String
        ? double.Parse((string)value!, System.Globalization.CultureInfo.InvariantCulture)
        : (double)value;

    static void Respond(HttpListenerContext context, int status, string answer)
    {
        context.Response.StatusCode = status;
        using var writer = new StreamWriter(context.Response.OutputStream);
        writer.Write(answer);
    }

    static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    public void Dispose()
    {
        Answers.Set();
        Stop();
        Answers.Dispose();
    }
}
