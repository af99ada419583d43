using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Logging;

/// <summary>A picture to be read.</summary>
/// <param name="Pixels">8 × 8, row by row, from 0 (paper) to 1 (ink).</param>
sealed record DigitQuestion(float[]? Pixels)
{
    public const int NumPixels = 64;

    /// <summary>What is wrong with it; null when nothing is.</summary>
    public string? Fault => Pixels switch
    {
        null => $"is missing: give {NumPixels} numbers",
        { Length: not NumPixels } => $"has {Pixels.Length} numbers; give {NumPixels}, 8 rows of 8",
        _ when Array.FindIndex(Pixels, p => !(p >= 0 && p <= 1)) is var at and >= 0 => $"[{at}] = {Pixels[at]}; give numbers from 0 (paper) to 1 (ink)",
        _ => null,
    };
}

/// <summary>What was read.</summary>
/// <param name="Digit">0 to 9.</param>
/// <param name="Probability">How sure the model is of it, 0 to 1.</param>
sealed record DigitAnswer(int Digit, float Probability);

/// <summary>The digit reader as a web service for this machine: <c>POST /digit</c> takes a <see cref="DigitQuestion"/> and gives a <see cref="DigitAnswer"/>, <c>GET /health</c> says that it is there.</summary>
static class DigitService
{
    const long MaxBodyBytes = 16 << 10;

    /// <summary>Makes the service; it answers once it is started.</summary>
    /// <param name="model">What answers; borrowed.</param>
    /// <param name="port">On the loopback address; 0: any that is free.</param>
    public static WebApplication Create(ServableModel<DigitReader> model, int port)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(server =>
        {
            server.Listen(IPAddress.Loopback, port);
            server.Limits.MaxRequestBodySize = MaxBodyBytes;
        });
        var app = builder.Build();
        app.MapGet("/health", () => "ready");
        // The token is the request's: it fires when the caller hangs up.
        app.MapPost("/digit", async Task<Results<Ok<DigitAnswer>, ValidationProblem>> (DigitQuestion question, CancellationToken cancellationToken) =>
            question.Fault is { } fault
                ? TypedResults.ValidationProblem(new Dictionary<string, string[]> { ["pixels"] = [fault] })
                : TypedResults.Ok(await model.AskAsync(reader => reader.Read(question.Pixels!), cancellationToken)));
        return app;
    }
}
