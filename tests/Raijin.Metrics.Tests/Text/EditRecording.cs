using System.Text.Json;

namespace Raijin.Metrics.Tests.Text;

/// <summary>Texts of the recording <c>edits</c>, made by eng/recordings/metrics_edits.py.</summary>
static class EditRecording
{
    public static JsonElement Part(string name) => Recording.Open("edits").GetProperty(name);

    public static string[] Predictions(this JsonElement part) => part.GetProperty("predictions").Strings();

    public static IReadOnlyList<IReadOnlyList<string>> References(this JsonElement part) => [.. part.GetProperty("references").EnumerateArray().Select(TextCases.Strings)];
}
