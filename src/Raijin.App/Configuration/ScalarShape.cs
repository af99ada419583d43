using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;

namespace Raijin.App;

/// <summary>One value written as one piece of text.</summary>
abstract class ScalarShape : ValueShape
{
    /// <summary>Whether values are text to a reader that knows no types (quoted in JSON), rather than numbers or truth values.</summary>
    protected virtual bool IsText => true;

    /// <summary>Values to offer when completing a command line; empty when there are too many.</summary>
    public virtual IReadOnlyList<string> Choices => [];

    /// <summary>The shape of a built-in scalar, an enumeration, or a type that parses itself (<see cref="IParsable{TSelf}"/>); else null.</summary>
    public static ScalarShape? OfType(Type type) => type switch
    {
        _ when type == typeof(string) => new TextShape(),
        _ when type == typeof(bool) => new FlagShape(),
        _ when type == typeof(int) || type == typeof(long) || type == typeof(uint) || type == typeof(ulong) => new WholeShape(type),
        _ when type == typeof(double) || type == typeof(float) => new RealShape(type),
        _ when type == typeof(TimeSpan) => new DurationShape(),
        { IsEnum: true } => new ChoiceShape(type),
        _ => ParsableShape.OfType(type),
    };

    /// <summary>How a type parses itself (<see cref="IParsable{TSelf}"/>); null when it does not.</summary>
    public static MethodInfo? ParseMethod(Type type) =>
        type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IParsable<>))
            ? type.GetMethod("Parse", BindingFlags.Public | BindingFlags.Static, [typeof(string), typeof(IFormatProvider)])
            : null;

    /// <inheritdoc/>
    public sealed override bool TryBind(ConfigNode node, string path, List<OptionFault> faults, [NotNullWhen(true)] out object? value)
    {
        value = null;
        if (node is not ConfigScalar scalar || (scalar.Quoted && !IsText)) return Refuse(node, path, faults);
        return TryParse(scalar.Text, out value, out var problem) || Refuse(node, path, faults, problem);
    }

    /// <inheritdoc/>
    public sealed override ConfigNode ToNode(object value, string path, Func<string, Origin> originOf) => new ConfigScalar(Print(value), IsText, originOf(path));

    /// <inheritdoc/>
    public sealed override JsonObject ToSchema() => Choices.Count > 0 && IsText ? JsonSchema.OneOf(Choices) : new JsonObject { ["type"] = SchemaType };

    /// <summary>The JSON type of a value.</summary>
    protected virtual string SchemaType => "string";

    /// <summary>Parses <paramref name="text"/>; <paramref name="problem"/> may say more than <see cref="ValueShape.Expectation"/>.</summary>
    protected abstract bool TryParse(string text, [NotNullWhen(true)] out object? value, out string? problem);

    /// <summary>The text that <see cref="TryParse"/> turns into an equal value.</summary>
    protected virtual string Print(object value) => Convert.ToString(value, CultureInfo.InvariantCulture)!;

    sealed class TextShape : ScalarShape
    {
        public override string Expectation => "expected text";

        protected override bool TryParse(string text, [NotNullWhen(true)] out object? value, out string? problem)
        {
            (value, problem) = (text, null);
            return true;
        }
    }

    sealed class FlagShape : ScalarShape
    {
        protected override string SchemaType => "boolean";

        protected override bool IsText => false;

        public override string Expectation => "expected true or false";

        public override IReadOnlyList<string> Choices => ["true", "false"];

        protected override bool TryParse(string text, [NotNullWhen(true)] out object? value, out string? problem)
        {
            problem = null;
            value = text switch { "true" => true, "false" => false, _ => null };
            return value is not null;
        }

        protected override string Print(object value) => (bool)value ? "true" : "false";
    }

    sealed class WholeShape(Type type) : ScalarShape
    {
        protected override string SchemaType => "integer";

        protected override bool IsText => false;

        public override string Expectation => "expected a whole number";

        protected override bool TryParse(string text, [NotNullWhen(true)] out object? value, out string? problem)
        {
            (value, problem) = (null, null);
            if (!decimal.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) return false;
            var (least, most) = Type.GetTypeCode(type) switch
            {
                TypeCode.Int32 => (int.MinValue, int.MaxValue),
                TypeCode.Int64 => (long.MinValue, long.MaxValue),
                TypeCode.UInt32 => (uint.MinValue, uint.MaxValue),
                _ => ((decimal)ulong.MinValue, (decimal)ulong.MaxValue),
            };
            if (number < least || number > most)
            {
                problem = string.Create(CultureInfo.InvariantCulture, $"expected a whole number from {least} to {most}");
                return false;
            }
            value = Type.GetTypeCode(type) switch
            {
                TypeCode.Int32 => (int)number,
                TypeCode.Int64 => (long)number,
                TypeCode.UInt32 => (uint)number,
                _ => (object)(ulong)number,
            };
            return true;
        }
    }

    sealed class RealShape(Type type) : ScalarShape
    {
        protected override string SchemaType => "number";

        protected override bool IsText => false;

        public override string Expectation => "expected a number";

        protected override bool TryParse(string text, [NotNullWhen(true)] out object? value, out string? problem)
        {
            problem = null;
            value = double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) switch
            {
                false => null,
                true when type == typeof(float) => float.IsFinite((float)number) ? float.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture) : null,
                true => double.IsFinite(number) ? number : null,
            };
            return value is not null;
        }
    }

    sealed class DurationShape : ScalarShape
    {
        public override string Expectation => "expected a time such as 90s, 10m, 1.5h, 2d or 00:10:00";

        protected override bool TryParse(string text, [NotNullWhen(true)] out object? value, out string? problem)
        {
            problem = null;
            value = null;
            if (text.Contains(':', StringComparison.Ordinal))
            {
                if (TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time)) value = time;
                return value is not null;
            }
            var digits = text.AsSpan().TrimEnd("abcdefghijklmnopqrstuvwxyz");
            var ticks = text[digits.Length..] switch
            {
                "ms" => TimeSpan.TicksPerMillisecond,
                "s" => TimeSpan.TicksPerSecond,
                "m" => TimeSpan.TicksPerMinute,
                "h" => TimeSpan.TicksPerHour,
                "d" => TimeSpan.TicksPerDay,
                _ => 0,
            };
            if (ticks == 0 || !decimal.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var amount)) return false;
            // 10^9 of any unit stays inside decimal; the longest TimeSpan is some 10 million days.
            if (Math.Abs(amount) > 1_000_000_000 || Math.Abs(amount * ticks) > long.MaxValue) return false;
            value = new TimeSpan((long)(amount * ticks));
            return true;
        }

        protected override string Print(object value) => ((TimeSpan)value).ToString("c", CultureInfo.InvariantCulture);
    }

    sealed class ChoiceShape : ScalarShape
    {
        readonly Dictionary<string, object> _values = [];

        public ChoiceShape(Type type)
        {
            foreach (var name in Enum.GetNames(type)) _values[RecordShape.CamelCase(name)] = Enum.Parse(type, name);
        }

        public override string Expectation => $"allowed: {string.Join(", ", _values.Keys)}";

        public override IReadOnlyList<string> Choices => [.. _values.Keys];

        protected override bool TryParse(string text, [NotNullWhen(true)] out object? value, out string? problem)
        {
            problem = null;
            return _values.TryGetValue(text, out value);
        }

        protected override string Print(object value) => RecordShape.CamelCase(value.ToString()!);
    }

    /// <summary>A type that prints and parses itself; the message of its <see cref="FormatException"/> says what is allowed.</summary>
    sealed class ParsableShape(Type type, MethodInfo parse) : ScalarShape
    {
        public override string Expectation => $"expected a {type.Name}";

        public static new ParsableShape? OfType(Type type)
        {
            // A record with keys may have names for some of its values besides: those keys come first.
            return ParseMethod(type) is { } parse && RecordShape.OfType(type) is not { Properties.Count: > 0 } ? new ParsableShape(type, parse) : null;
        }

        protected override bool TryParse(string text, [NotNullWhen(true)] out object? value, out string? problem)
        {
            problem = null;
            try
            {
                value = parse.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [text, CultureInfo.InvariantCulture], null)!;
                return true;
            }
            catch (Exception error) when (error is FormatException or ArgumentException or OverflowException)
            {
                value = null;
                problem = error.Message;
                return false;
            }
        }
    }
}
