using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Raijin.Training;

namespace Raijin;

/// <summary>A module that names the settings it was made with, so that loggers can show them. Lightning's <c>save_hyperparameters</c>.</summary>
public interface IHyperParameters
{
    /// <summary>The settings: a record whose properties <c>System.Text.Json</c> writes.</summary>
    object HyperParameters { get; }
}

/// <summary>What a run is made with, for loggers that show it.</summary>
public sealed class RunDescription
{
    static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new OptionText() },
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    readonly Lazy<IReadOnlyList<KeyValuePair<string, JsonElement>>> _parameters;

    /// <summary>Describes a run.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="options">The trainer's options; null for none.</param>
    /// <param name="hyperParameters">The module's; null for none.</param>
    /// <param name="layers">The module's layers as text, a line each; null where no logger shows them.</param>
    public RunDescription(string name, object? options = null, object? hyperParameters = null, string? layers = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Name = name;
        Layers = layers;
        // Serializing starts a machinery of tens of milliseconds: on the thread of the logger that asks.
        _parameters = new(() => [.. Flatten("trainer", options), .. Flatten("model", hyperParameters)]);
    }

    /// <summary>The run's name: its folder's.</summary>
    public string Name { get; }

    /// <summary>Options and hyper-parameters that are set, by dotted names such as <c>trainer.maxEpochs</c> and <c>model.hidden</c>: numbers, truth values and text.</summary>
    public IReadOnlyList<KeyValuePair<string, JsonElement>> Parameters => _parameters.Value;

    /// <summary>The module's layers as text; null where no logger shows them.</summary>
    public string? Layers { get; }

    /// <summary>A parameter as text.</summary>
    public static string TextOf(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    static List<KeyValuePair<string, JsonElement>> Flatten(string name, object? value)
    {
        var found = new List<KeyValuePair<string, JsonElement>>();
        if (value is not null) Add(name, JsonSerializer.SerializeToElement(value, value.GetType(), Json));
        return found;

        void Add(string path, JsonElement element)
        {
            switch (element.ValueKind)
            {
                case JsonValueKind.Null: return;
                case JsonValueKind.Object:
                    foreach (var property in element.EnumerateObject()) Add($"{path}.{property.Name}", property.Value);
                    return;
                case JsonValueKind.Array:
                    foreach (var (index, item) in element.EnumerateArray().Index()) Add(string.Create(CultureInfo.InvariantCulture, $"{path}.{index}"), item);
                    return;
                default:
                    found.Add(new(path, element));
                    return;
            }
        }
    }
}

/// <summary>Options that are read from text, such as <c>norm 1.0</c> and <c>cuda:1</c>, are shown as that text.</summary>
sealed class OptionText : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) =>
        typeToConvert.Assembly.GetName().Name!.StartsWith(nameof(Raijin), StringComparison.Ordinal)
        && Array.Exists(typeToConvert.GetInterfaces(), i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IParsable<>));

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(typeof(ScalarTextConverter<>).MakeGenericType(typeToConvert))!;
}

/// <summary>How a run ended.</summary>
public enum RunStatus
{
    /// <summary>By itself: a limit was reached, or a callback asked for it.</summary>
    Finished,

    /// <summary>A signal or a cancelled token stopped it; it is saved and can go on.</summary>
    Interrupted,

    /// <summary>With an error.</summary>
    Failed,
}

/// <summary>How a run ended and what it had reached.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Reason">Why, in words.</param>
/// <param name="Metrics">The last value of everything logged for an epoch or an evaluation.</param>
public sealed record RunOutcome(RunStatus Status, string Reason, IReadOnlyDictionary<string, double> Metrics);
