// MLflow's REST API 2.0 (mlflow.org/docs/latest/rest-api.html), the few calls a logger needs. Everything is synchronous: the logger has a thread of its own.

using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace Raijin.Training;

/// <summary>Talks to an MLflow server. What fails for a while (no connection, a time-out, 429, 5xx) is tried again, ever more slowly, until it works or the run gives up; what the server refuses is an error.</summary>
sealed class MLflowClient : IDisposable
{
    static readonly TimeSpan Timeout = TimeSpan.FromSeconds(15);
    static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    readonly HttpClient _http;
    readonly Uri _server;
    readonly LogSession _session;
    readonly TimeSpan _firstWait;
    bool _isTrying;

    public MLflowClient(Uri server, string? token, LogSession session, TimeSpan firstWait)
    {
        _server = server;
        _session = session;
        _firstWait = firstWait;
        _http = new HttpClient { Timeout = Timeout };
        if (token is not null) _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        else if (server.UserInfo.Length > 0)
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(Uri.UnescapeDataString(server.UserInfo))));
    }

    /// <summary>Calls an endpoint below <c>api/2.0/mlflow/</c> with a JSON object.</summary>
    /// <returns>The answer.</returns>
    /// <exception cref="MLflowException">The server refused.</exception>
    /// <exception cref="OperationCanceledException">The run gave up.</exception>
    public JsonObject Post(string endpoint, JsonObject content) => Send(HttpMethod.Post, $"api/2.0/mlflow/{endpoint}", () => new StringContent(content.ToJsonString(), new MediaTypeHeaderValue("application/json")))!;

    /// <summary>Asks an endpoint; null where the server says that there is no such thing.</summary>
    public JsonObject? Find(string endpoint, string query) => Send(HttpMethod.Get, $"api/2.0/mlflow/{endpoint}?{query}", null, mayBeMissing: true);

    /// <summary>Stores a file through the server's artifact proxy.</summary>
    public void Upload(string path, ReadOnlyMemory<byte> bytes) =>
        Send(HttpMethod.Put, "api/2.0/mlflow-artifacts/artifacts/" + string.Join('/', path.Split('/').Select(Uri.EscapeDataString)), () => new ReadOnlyMemoryContent(bytes));

    JsonObject? Send(HttpMethod method, string path, Func<HttpContent>? content, bool mayBeMissing = false)
    {
        var wait = _firstWait;
        while (true)
        {
            string problem;
            try
            {
                using var request = new HttpRequestMessage(method, new Uri(_server, path)) { Content = content?.Invoke() };
                using var response = _http.Send(request, _session.GivingUp);
                var answer = ReadAnswer(response);
                if (response.IsSuccessStatusCode)
                {
                    if (_isTrying) _session.Messages.LogWarning("The MLflow server at {Server} answers again.", Shown);
                    _isTrying = false;
                    return Parse(path, answer);
                }
                if (mayBeMissing && response.StatusCode == HttpStatusCode.NotFound) return null;
                if (!IsPassing(response.StatusCode)) throw new MLflowException(EndpointOf(path), response.StatusCode, Shorten(answer));
                problem = $"it answered {(int)response.StatusCode} {response.StatusCode}";
            }
            catch (HttpRequestException error)
            {
                problem = error.Message;
            }
            catch (TaskCanceledException) when (!_session.GivingUp.IsCancellationRequested)
            {
                problem = $"it did not answer within {Timeout.TotalSeconds} s";
            }
            Wait(ref wait, problem);
        }
    }

    void Wait(ref TimeSpan wait, string problem)
    {
        if (!_isTrying)
            _session.Messages.LogWarning("The MLflow server at {Server} does not work: {Problem}. It is tried again until it does; training goes on.", Shown, problem);
        _isTrying = true;
        _session.GivingUp.WaitHandle.WaitOne(wait);
        _session.GivingUp.ThrowIfCancellationRequested();
        wait = wait * 2 < LongestWait ? wait * 2 : LongestWait;
    }

    // Without a user name and password that may be in the address.
    string Shown => _server.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);

    static string ReadAnswer(HttpResponseMessage response)
    {
        using var reader = new StreamReader(response.Content.ReadAsStream());
        return reader.ReadToEnd();
    }

    static JsonObject Parse(string path, string answer)
    {
        if (answer.Length == 0) return [];
        try
        {
            if (JsonNode.Parse(answer) is JsonObject read) return read;
        }
        catch (JsonException)
        {
            // Said below, as for JSON that is no object.
        }
        throw new MLflowException(EndpointOf(path), $"answered what is no JSON object, so no MLflow server's: {Shorten(answer)}");
    }

    static bool IsPassing(HttpStatusCode status) => status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests || (int)status >= 500;

    static string EndpointOf(string path) => "MLflow's " + path.Split('?')[0]["api/2.0/".Length..];

    static string Shorten(string answer) => answer.Length <= 300 ? answer : answer[..300] + "…";

    public void Dispose() => _http.Dispose();
}
