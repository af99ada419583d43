using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Serialization;
using Raijin.Training;

namespace Raijin;

/// <summary>
/// When something happens: every n optimizer steps, every n epochs, every part of an epoch, every so much time, or never. One type for validating, logging and saving;
/// a count of steps and a count of epochs can't be mistaken for one another.
/// </summary>
/// <remarks>As text: <c>500 steps</c>, <c>1 epoch</c>, <c>0.25 epochs</c>, <c>10 minutes</c>, <c>00:10:00</c>, <c>never</c>.</remarks>
[JsonConverter(typeof(ScalarTextConverter<Every>))]
public readonly record struct Every : IParsable<Every>
{
    enum Unit : byte { Never, Step, Epoch, EpochPart, Time }

    readonly Unit _unit;
    readonly long _amount;

    Every(Unit unit, long amount) => (_unit, _amount) = (unit, amount);

    /// <summary>Not at all.</summary>
    public static Every Never => default;

    /// <summary>After each <paramref name="count"/> optimizer steps.</summary>
    public static Every Steps(long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        return new(Unit.Step, count);
    }

    /// <summary>At the end of each <paramref name="count"/>th epoch.</summary>
    public static Every Epochs(long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        return new(Unit.Epoch, count);
    }

    /// <summary>After each such part of an epoch, counted in whole steps from the epoch's start: <c>0.25</c> is four times an epoch. Only a loader of known length has parts.</summary>
    /// <param name="part">In (0, 1); whole epochs are <see cref="Epochs"/>.</param>
    public static Every PartOfEpoch(double part)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(part);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(part, 1.0);
        return new(Unit.EpochPart, BitConverter.DoubleToInt64Bits(part));
    }

    /// <summary>At the first step's end after each such stretch of training time.</summary>
    public static Every Time(TimeSpan interval)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(interval, TimeSpan.Zero);
        return new(Unit.Time, interval.Ticks);
    }

    /// <summary>At the first step's end after each such stretch of training time.</summary>
    public static Every Time(double hours = 0, double minutes = 0, double seconds = 0) =>
        Time(TimeSpan.FromHours(hours) + TimeSpan.FromMinutes(minutes) + TimeSpan.FromSeconds(seconds));

    /// <summary>Whether it never happens.</summary>
    public bool IsNever => _unit == Unit.Never;

    /// <summary>Whether it counts parts of an epoch, which <see cref="Within"/> turns into steps.</summary>
    public bool IsPartOfEpoch => _unit == Unit.EpochPart;

    /// <summary>The same in steps of an epoch where it counts parts of one.</summary>
    /// <param name="stepsPerEpoch">Optimizer steps of an epoch; null: unknown.</param>
    internal Every Within(long? stepsPerEpoch) =>
        IsPartOfEpoch && stepsPerEpoch is { } steps ? Steps(Math.Max(1, (long)(steps * BitConverter.Int64BitsToDouble(_amount)))) : this;

    /// <summary>Whether it counts epochs.</summary>
    public bool CountsEpochs => _unit == Unit.Epoch;

    /// <summary>Whether it is due after optimizer step number <paramref name="step"/> (the first is 1).</summary>
    /// <param name="step">Optimizer steps done.</param>
    /// <param name="sinceLast">Training time since it last happened.</param>
    public bool IsDueAfterStep(long step, TimeSpan sinceLast) => _unit switch
    {
        Unit.Step => step % _amount == 0,
        Unit.Time => sinceLast.Ticks >= _amount,
        _ => false,
    };

    /// <summary>Whether it is due at the end of epoch number <paramref name="epoch"/> (the first is 0).</summary>
    public bool IsDueAfterEpoch(long epoch) => _unit == Unit.Epoch && (epoch + 1) % _amount == 0;

    /// <inheritdoc/>
    public override string ToString() => _unit switch
    {
        Unit.Step => _amount == 1 ? "1 step" : string.Create(CultureInfo.InvariantCulture, $"{_amount} steps"),
        Unit.Epoch => _amount == 1 ? "1 epoch" : string.Create(CultureInfo.InvariantCulture, $"{_amount} epochs"),
        Unit.EpochPart => string.Create(CultureInfo.InvariantCulture, $"{BitConverter.Int64BitsToDouble(_amount):R} epochs"),
        Unit.Time => new TimeSpan(_amount).ToString("c", CultureInfo.InvariantCulture),
        _ => "never",
    };

    /// <inheritdoc/>
    public static Every Parse(string s, IFormatProvider? provider) => TryParse(s, provider, out var result)
        ? result
        : throw new FormatException($"\"{s}\" is not a moment: write 500 steps, 1 epoch, 0.25 epochs, 10 minutes, 00:10:00 or never.");

    /// <inheritdoc/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out Every result)
    {
        result = default;
        var words = (s ?? "").Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is ["never"]) return true;
        if (words is [var clock] && clock.Contains(':') && TimeSpan.TryParse(clock, CultureInfo.InvariantCulture, out var span) && span > TimeSpan.Zero)
        {
            result = Time(span);
            return true;
        }
        if (words is not [var number, var unit] || !double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var amount)) return false;
        if (!(amount > 0) || amount > 1e12) return false;
        var whole = amount == Math.Floor(amount);
        Every? parsed = unit.TrimEnd('s') switch
        {
            "step" when whole => Steps((long)amount),
            "epoch" when whole => Epochs((long)amount),
            "epoch" when amount < 1 => PartOfEpoch(amount),
            "hour" => Time(TimeSpan.FromHours(amount)),
            "minute" => Time(TimeSpan.FromMinutes(amount)),
            "second" => Time(TimeSpan.FromSeconds(amount)),
            _ => null,
        };
        result = parsed ?? default;
        return parsed is not null;
    }
}
