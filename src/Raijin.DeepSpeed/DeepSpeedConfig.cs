using System.Text;
using Raijin.DeepSpeed;

namespace Raijin;

/// <summary>
/// A configuration file of DeepSpeed's, as it is: <c>new Trainer(DeepSpeedConfig.Read("ds_config.json"))</c>. Comments, missing and trailing commas and keys without quotes are read as DeepSpeed reads
/// them; what it passes over in silence is said. Every key and what becomes of it: docs/deepspeed-config.md.
/// </summary>
public sealed class DeepSpeedConfig
{
    /// <summary>The largest file read.</summary>
    public const int MaxBytes = 1 << 20;

    static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    readonly ConfigCheck _check;
    readonly IReadOnlyList<ConfigMessage> _syntax;

    DeepSpeedConfig(string name, ConfigCheck check, IReadOnlyList<ConfigMessage> syntax) => (Name, _check, _syntax) = (name, check, syntax);

    /// <summary>What messages call it: the file as it was named.</summary>
    public string Name { get; }

    /// <summary>Reads a file. What is wrong with its keys is reported when it is resolved, all of it at once.</summary>
    /// <exception cref="InvalidOptionsException">It can't be read, or is no configuration; names line and column.</exception>
    public static DeepSpeedConfig Read(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return Parse(TextOf(path), path);
    }

    /// <summary>Reads a text.</summary>
    /// <param name="text">The file.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="InvalidOptionsException">It is no configuration; names line and column.</exception>
    public static DeepSpeedConfig Parse(string text, string name) => Parse(text, name, out var errors) ?? throw new InvalidOptionsException(Faults(name, errors));

    /// <summary>What the file asks for.</summary>
    /// <param name="ranks">How many ranks train together.</param>
    /// <param name="facts">What fills in its <c>"auto"</c>; null for the defaults of Hugging Face's trainer.</param>
    /// <exception cref="InvalidOptionsException">Something in it is wrong, or can't be at so many ranks; carries every fault, each with line and column.</exception>
    public DeepSpeedRun Resolve(int ranks, DeepSpeedFacts? facts = null)
    {
        var run = Resolve(ranks, facts, out var errors);
        InvalidOptionsException.ThrowIfAny(Faults(Name, errors));
        return run;
    }

    /// <summary>
    /// A trainer's options with what the file says, for the ranks these options ask for or a launcher has started. What the options say of accumulation, clipping and precision fills in the file's <c>"auto"</c>.
    /// </summary>
    /// <param name="options">What the file does not say: epochs, callbacks, devices.</param>
    /// <exception cref="InvalidOptionsException">The file can't be at so many ranks, or switches on what is not there.</exception>
    public TrainerOptions Over(TrainerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var ranks = RankWorld.SizeOf(options);
        var facts = new DeepSpeedFacts { GradientAccumulation = options.AccumulateGradients, Precision = options.Precision, TotalSteps = options.MaxSteps };
        return Resolve(ranks, facts).Over(options);
    }

    /// <summary>
    /// The options of a trainer that runs the file as it is: as many steps as its schedule has (<c>total_num_steps</c>), else one pass over the data. <see cref="Over"/> takes it from there.
    /// </summary>
    public static implicit operator TrainerOptions(DeepSpeedConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var steps = config._check.Given.GetValueOrDefault("scheduler.params.total_num_steps")?.Value as long?;
        return config.Over(steps is null ? new() { MaxEpochs = 1 } : new() { MaxSteps = steps });
    }

    /// <summary>The same for languages without conversions.</summary>
    public TrainerOptions ToTrainerOptions() => this;

    /// <summary>Reads a text; null, with what is wrong, where it is no configuration.</summary>
    internal static DeepSpeedConfig? Parse(string text, string name, out IReadOnlyList<ConfigMessage> errors)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(name);
        if (text.Length > MaxBytes)
        {
            errors = [new(null, "", TooLarge(text.Length))];
            return null;
        }
        var root = HjsonReader.Read(text, out var syntax);
        var found = syntax.Select(fault => new ConfigMessage(fault.At, fault.Key, fault.Message)).ToList();
        errors = found;
        if (root is not HjsonObject members)
        {
            if (root is not null) found.Add(new(root.At, "", "is no configuration: an object in braces is expected"));
            return null;
        }
        return new(name, ConfigCheck.Of(members), found);
    }

    /// <summary>What the file asks for; where there are errors, as far as it can be told.</summary>
    internal DeepSpeedRun Resolve(int ranks, DeepSpeedFacts? facts, out IReadOnlyList<ConfigMessage> errors)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ranks);
        var resolver = new RunResolver(_check, _syntax, ranks, facts ?? new());
        var run = resolver.Resolve();
        errors = resolver.Errors;
        return run;
    }

    /// <summary>The text of a file, within bounds.</summary>
    internal static string TextOf(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            if (file.Length > MaxBytes) throw Fault(path, TooLarge(file.Length));
            // A pipe has no length: what comes, and one byte to see that there is more.
            var buffer = new byte[Math.Min(MaxBytes, Math.Max(file.Length, 1 << 16)) + 1];
            var count = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            if (count == buffer.Length) throw Fault(path, TooLarge(count));
            return StrictUtf8.GetString(buffer, 0, count);
        }
        catch (DecoderFallbackException)
        {
            throw Fault(path, "is not UTF-8 text");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Fault(path, error switch
            {
                FileNotFoundException or DirectoryNotFoundException => $"does not exist (looked in {Directory.GetCurrentDirectory()})",
                UnauthorizedAccessException when Directory.Exists(path) => "is a folder, not a file",
                _ => $"cannot be read: {error.Message}",
            });
        }
    }

    /// <summary>Messages as faults, each with its place.</summary>
    internal static IReadOnlyList<OptionFault> Faults(string name, IReadOnlyList<ConfigMessage> messages) =>
        [.. messages.Select(message => new OptionFault(message.Key.Length > 0 ? message.Key : name, message.At is { } at ? $"{message.Message} ({name} {at})" : $"{message.Message} ({name})"))];

    static InvalidOptionsException Fault(string path, string message) => new([new(path, message)]);

    static string TooLarge(long bytes) => FormattableString.Invariant($"has {bytes:N0} bytes; a configuration has at most {MaxBytes:N0}");
}
