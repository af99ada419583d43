using System.Net;

namespace Raijin;

/// <summary>An MLflow server refused what was asked, or answered with something else than MLflow does.</summary>
public sealed class MLflowException : Exception
{
    internal MLflowException(string endpoint, HttpStatusCode status, string answer)
        : base($"{endpoint} answered {(int)status} {status}: {Remedy(status)}{(answer.Length > 0 ? $" It said: {answer}" : "")}") => Status = status;

    internal MLflowException(string endpoint, string problem) : base($"{endpoint} {problem}") { }

    /// <summary>The HTTP status; null where the answer itself was wrong.</summary>
    public HttpStatusCode? Status { get; }

    static string Remedy(HttpStatusCode status) => status switch
    {
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => "the token is missing, wrong or not allowed to do this.",
        HttpStatusCode.NotFound => "there is no such thing; is the address an MLflow server's?",
        _ => "the server does not take this.",
    };
}
